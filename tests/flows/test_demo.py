"""The demo, as a person starts it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from backtalk.demo.upstream import INTERPRETER
from backtalk.settings import plain_environ

_KEPT = ["pairs.jsonl", "pairs.jsonl.manifest.json"]
_SIGNALS = ("regeneration", "reformulation", "assistant_edit", "stop")


def _demo(directory: Path, model: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "backtalk", "demo", "--model", model],
        cwd=directory,
        env=plain_environ(),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.demo
@pytest.mark.timeout(200)
def test_the_scripted_demo_shows_every_signal_once(tmp_path: Path) -> None:
    """Each expected signal is noticed, and only those; no data is left behind."""
    shown = _demo(tmp_path, "scripted")
    assert "scripted provider" in shown
    assert re.findall(r"noticed +(\w+) about", shown) == list(_SIGNALS)
    assert "joined by its response id" in shown
    assert sorted(entry.name for entry in (tmp_path / ".demo").iterdir()) == _KEPT


@pytest.mark.model
@pytest.mark.timeout(200)
def test_the_demo_runs_on_a_real_language_model() -> None:
    """llama.cpp answers, and what a person did with its answers is noticed."""
    project = Path(__file__).parents[2]
    if not (project / INTERPRETER).exists():
        pytest.skip(f"{INTERPRETER} is missing: `make .venvs/model/.ready`")
    shown = _demo(project, "qwen2.5-coder-0.5b-instruct")
    assert re.findall(r"noticed +(\w+) about", shown) == list(_SIGNALS)
