"""Programs of other environments, which read what was written here and ask nothing of the network."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from backtalk.settings import bare_environ

VENVS: Final = Path(__file__).parents[4] / ".venvs"
PROMPTFOO: Final = VENVS / "promptfoo/node_modules/promptfoo/dist/src/main.js"
QUIET: Final = {
    "HF_HUB_OFFLINE": "1",
    "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
    "RAGAS_DO_NOT_TRACK": "true",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    "PROMPTFOO_DISABLE_SHARING": "1",
    # Whatever would go out all the same ends at a port where nobody listens.
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
}
Run = Callable[..., str]


@pytest.fixture
def run_python(tmp_path: Path) -> Run:
    """Runs a script in another environment, with arguments; gives what it printed."""

    def run(venv: str, script: str, *arguments: str) -> str:
        if not (VENVS / venv / ".ready").exists():
            pytest.skip(f"there is no environment for it: run `make .venvs/{venv}/.ready`")
        return _run([str(VENVS / venv / "bin" / "python"), "-c", script, *arguments], tmp_path, {})

    return run


@pytest.fixture
def run_promptfoo(tmp_path: Path) -> Run:
    """Runs promptfoo in a folder, with arguments; gives what it printed."""

    def run(folder: Path, *arguments: str) -> str:
        if not PROMPTFOO.exists():
            pytest.skip("promptfoo is not installed: run `make .venvs/promptfoo/node_modules/.package-lock.json`")
        command = [str(VENVS / "node/bin/node"), str(PROMPTFOO), *arguments]
        return _run(command, folder, {"PROMPTFOO_CONFIG_DIR": str(tmp_path / "promptfoo-home")})

    return run


def _run(command: Sequence[str], folder: Path, more: Mapping[str, str]) -> str:
    environ = {**bare_environ(), **QUIET, **more, "HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False, env=environ)
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout
