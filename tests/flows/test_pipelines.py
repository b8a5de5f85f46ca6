"""One loop without hands: people correct a model, a better one comes of it, and somebody promotes it."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from backtalk.ledger.reader import LedgerReader
from backtalk.model.meter import NoMeter
from backtalk.pipeline.definition import load_pipeline
from backtalk.pipeline.running import Asked, run, verdict_of
from backtalk.settings import plain_environ
from backtalk.testing.behaviour import Behaviour
from backtalk.testing.pipelines import CURRENT, measured, silent, trained_text
from backtalk.testing.provider import running_provider
from backtalk.testing.serve import Backtalk, running_backtalk
from backtalk.testing.waiting import wait_until

PEOPLE = 60


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Backtalk]:
    """Backtalk before a provider whose model `small` knows nothing, and whose other models echo."""
    with running_provider() as provider:
        provider.models[CURRENT] = Behaviour(text="I do not know.")
        with running_backtalk(provider.url, tmp_path / "data", ledger__commit_s=0.2) as backtalk:
            yield backtalk


@pytest.fixture
def file(running: Backtalk, tmp_path: Path) -> Path:
    """A pipeline whose models are asked through it."""
    path = tmp_path / "support.toml"
    path.write_text(trained_text(f"{running.url}/v1", tmp_path / "trainings"))
    return path


def correct(running: Backtalk, number: int) -> str:
    """A person asks, is not served, and says what would have been right: their own words, which an echo would say."""
    text = f"What does the person of number {number} want to know about number {number * 7919 + 3}, please?"
    with openai.OpenAI(base_url=f"{running.url}/v1", api_key="sk-flow", max_retries=0, timeout=20) as client:
        raw = client.chat.completions.with_raw_response.create(
            model=CURRENT, messages=[{"role": "user", "content": text}], user=f"user-{number}"
        )
        trace_id = raw.headers["x-trace-id"]
        body = {"trace_id": trace_id, "kind": "correction", "value": text}
        client.post("/feedback", body=body, cast_to=object)
    return trace_id


def command(running: Backtalk, *words: str) -> str:
    """What a command prints."""
    done = subprocess.run(
        [sys.executable, "-m", "backtalk", *words, "--data-dir", str(running.data_dir)],
        env=plain_environ(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def trigger(running: Backtalk, key: str) -> dict[str, Any]:
    """Ask for a look over the admin listener."""
    headers = {"authorization": f"Bearer {running.admin_token}", "Idempotency-Key": key}
    request = urllib.request.Request(f"{running.admin_url}/v1/pipelines/support/trigger", b"", headers, method="POST")  # noqa: S310 -- our own listener
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 -- likewise
        assert answer.status == 202
        document: dict[str, Any] = json.load(answer)
        return document


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("trainers")
def test_corrections_become_a_promoted_model(running: Backtalk, file: Path) -> None:
    """And the loop's own calls are nobody's: they make no facts, and are asked for no second time."""
    traces = [correct(running, number) for number in range(PEOPLE)]
    pipeline = load_pipeline(file)
    wait_until(lambda: _facts(running, file) == PEOPLE, 30, what="every correction in the ledger")

    done = run(running.data_dir, pipeline, Asked("ada", measure=measured), metrics=NoMeter(), say=silent)

    assert done.state is not None
    assert done.state.state(at_work=False) == "proposed", done.state
    cases = done.state.finished["evaluation"]["rows"]
    reader = LedgerReader(running.data_dir / "ledger")
    wait_until(
        lambda: len(reader.recent_calls(limit=500, purpose="evaluation")) == 2 * cases,
        30,
        what="the evaluations' calls",
    )
    assert _facts(running, file) == 0
    reached = [json.loads(command(running, "run", "reached", trace, "--json")) for trace in traces[:3]]
    assert {one["proposals"][0]["state"] for one in reached} == {"open"}

    command(running, "pipeline", "promote", "support", "--reason", "better on the exam", "--by", "bob")
    assert "model=tuned" in command(running, "ref", "show", "production")
    _, listed = running.admin("/v1/pipelines")
    assert [one["proposal"]["state"] for one in listed["pipelines"][0]["runs"]] == ["promoted"]


def test_a_trigger_over_the_admin_listener_is_answered_once(running: Backtalk, file: Path, trainers: Path) -> None:
    """By a watch that is a process of its own; what was asked under one key is one question."""
    correct(running, 1)
    wait_until(lambda: _facts(running, file) == 1, 30, what="the correction in the ledger")
    words = ["pipeline", "watch", str(file), "--every", "3600", "--data-dir", str(running.data_dir)]
    with subprocess.Popen(
        [sys.executable, "-m", "backtalk", *words],
        env=plain_environ() | {"PYTHONPATH": str(trainers)},
        stdout=subprocess.PIPE,
        text=True,
    ) as watching:
        wait_until(lambda: _is_known(running), 30, what="the pipeline")
        said = [trigger(running, "labels-17") for _ in range(3)]
        wait_until(lambda: _told(running)["answers"], 30, what="an answer")
        watching.terminate()
        output, _ = watching.communicate(timeout=30)
    assert [one["duplicate"] for one in said] == [False, True, True]
    told = _told(running)
    assert (len(told["answers"]), told["pending"], told["runs"]) == (1, [], [])
    assert told["answers"][0]["message"].startswith("no run: 1 signals and feedback ever, 10 are wanted")
    assert output.endswith("ended\n")


def _facts(running: Backtalk, file: Path) -> int:
    if not (running.data_dir / "ledger").exists():
        return 0
    return verdict_of(running.data_dir, load_pipeline(file))[1].new_facts


def _is_known(running: Backtalk) -> bool:
    return any("file" in one for one in running.admin("/v1/pipelines")[1]["pipelines"])


def _told(running: Backtalk) -> dict[str, Any]:
    found: dict[str, Any] = running.admin("/v1/pipelines")[1]["pipelines"][0]
    return found
