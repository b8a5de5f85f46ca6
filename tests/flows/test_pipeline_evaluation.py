"""The whole loop as a person starts it: the command, the trainer `command`, and inspect_ai; in its environment."""

import importlib.metadata
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import openai
import pytest

from backtalk.settings import plain_environ
from backtalk.testing.behaviour import Behaviour
from backtalk.testing.pipelines import CURRENT, TUNED, trained_text
from backtalk.testing.provider import running_provider
from backtalk.testing.serve import Backtalk, running_backtalk
from backtalk.testing.waiting import wait_until

pytestmark = [pytest.mark.evaluation, pytest.mark.timeout(300)]

ROOT: Final = Path(__file__).parents[2]
PYTHON: Final = ROOT / ".venvs/evaluation/bin/python"
PEOPLE: Final = 60


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Backtalk]:
    """Backtalk before a provider whose model `small` knows nothing; sixty people have put it right."""
    with running_provider() as provider:
        provider.models[CURRENT] = Behaviour(text="I do not know.")
        with running_backtalk(provider.url, tmp_path / "data", ledger__commit_s=0.2) as backtalk:
            with openai.OpenAI(base_url=f"{backtalk.url}/v1", api_key="sk-flow", max_retries=0, timeout=20) as client:
                for number in range(PEOPLE):
                    _correct(client, number)
            yield backtalk


def _correct(client: openai.OpenAI, number: int) -> None:
    text = f"What does the person of number {number} want to know about number {number * 7919 + 3}, please?"
    raw = client.chat.completions.with_raw_response.create(
        model=CURRENT, messages=[{"role": "user", "content": text}], user=f"user-{number}"
    )
    body = {"trace_id": raw.headers["x-trace-id"], "kind": "correction", "value": text}
    client.post("/feedback", body=body, cast_to=object)


def start(running: Backtalk, folder: Path, *words: str) -> "subprocess.Popen[str]":
    """A command of `backtalk pipeline` in that environment, where Backtalk is installed as here."""
    known = folder / "installed"
    known.mkdir(exist_ok=True)
    mine = Path(str(importlib.metadata.distribution("backtalk").locate_file("")))
    for info in mine.glob("backtalk-*.dist-info"):
        if not (known / info.name).exists():
            (known / info.name).symlink_to(info)
    environ = plain_environ() | {"PYTHONPATH": f"{ROOT / 'proxy'}:{ROOT / 'plugins'}:{known}"}
    command = [str(PYTHON), "-m", "backtalk", "pipeline", *words, "--data-dir", str(running.data_dir)]
    return subprocess.Popen(
        command, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )


def said(process: "subprocess.Popen[str]") -> str:
    """What a command prints, once it has ended well."""
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    return output


def test_corrections_become_a_proposal_through_a_kill(running: Backtalk, tmp_path: Path) -> None:
    """Killed while the trained model is measured; the next start asks only what was not scored."""
    file = tmp_path / "support.toml"
    text = trained_text(f"{running.url}/v1", tmp_path / "trainings").replace('"shell"', '"command"')
    file.write_text(text)
    wait_until(lambda: _fires(running, tmp_path, file), 60, what="open gates")
    with start(running, tmp_path, "run", str(file)) as process:
        wait_until(lambda: "evaluate_candidate" in _run(running).get("attempts", {}), 120, what="the last evaluation")
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    output = said(start(running, tmp_path, "run", str(file)))

    assert "goes on" in output
    found = _run(running)
    assert (found["state"], found["proposal"]["state"]) == ("proposed", "open"), output
    assert (tmp_path / "trainings").read_text().count("trained") == 1
    compared = found["steps"]["compare"]
    assert (compared["current"], compared["candidate"]) == (0.0, 1.0)
    assert TUNED in said(start(running, tmp_path, "promote", "support", "--reason", "better"))


def _fires(running: Backtalk, folder: Path, file: Path) -> bool:
    output, _ = (process := start(running, folder, "check", str(file), "--json")).communicate(timeout=60)
    if process.returncode not in (0, 1):
        pytest.fail(output)
    gates: list[dict[str, Any]] = json.loads(output)["gates"]
    return bool(gates[0]["new_facts"] == PEOPLE)


def _run(running: Backtalk) -> dict[str, Any]:
    pipelines = running.admin("/v1/pipelines")[1]["pipelines"]
    runs: list[dict[str, Any]] = pipelines[0]["runs"] if pipelines else []
    return runs[0] if runs else {}
