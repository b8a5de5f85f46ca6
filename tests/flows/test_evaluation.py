"""An evaluation through a whole running Backtalk, with the real inspect_ai and a judge; it needs its environment."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from backtalk.datasets.build import build
from backtalk.datasets.recipe import load_recipe
from backtalk.evaluation.scores import Scores, read_scores
from backtalk.ledger.reader import LedgerReader
from backtalk.settings import plain_environ
from backtalk.testing.behaviour import Behaviour
from backtalk.testing.exams import build_exam
from backtalk.testing.provider import Provider, running_provider
from backtalk.testing.serve import Backtalk, running_backtalk
from backtalk.testing.waiting import wait_until

pytestmark = [pytest.mark.evaluation, pytest.mark.timeout(300)]

ROOT: Final = Path(__file__).parents[2]
PYTHON: Final = ROOT / ".venvs/evaluation/bin/python"
ANSWERS: Final = ("It is Canberra.", "Lima", "Kampala", "oslo")
VERDICTS: Final = ("correct", "correct", "wrong", None)


@pytest.fixture
def provider() -> Iterator[Provider]:
    """The model and the judge."""
    with running_provider() as running:
        yield running


@pytest.fixture
def running(provider: Provider, tmp_path: Path) -> Iterator[Backtalk]:
    """Backtalk, over a data directory with an exam."""
    build_exam(tmp_path / "data")
    with running_backtalk(provider.url, tmp_path / "data", ledger__commit_s=0.2) as backtalk:
        yield backtalk


def start(running: Backtalk, out: Path, *words: str) -> subprocess.Popen[str]:
    """`backtalk evaluate run` in its own environment, which has no way to any other server."""
    paths = f"{ROOT / 'proxy'}:{ROOT / 'plugins'}"
    environ = plain_environ() | {"PYTHONPATH": paths, "EXAM_KEY": "sk-exam", "https_proxy": "http://127.0.0.1:9"}
    command = ["evaluate", "run", "exam", "--model", "small", "--base-url", f"{running.url}/v1", "--out", str(out)]
    return subprocess.Popen(
        [str(PYTHON), "-m", "backtalk", *command, "--data-dir", str(running.data_dir), "--key-env", "EXAM_KEY", *words],
        env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def evaluate(running: Backtalk, out: Path, *words: str) -> tuple[Scores, str]:
    """Its scores, and what it said."""
    process = start(running, out, *words)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return read_scores(out), said


def judged(*, verdicts: tuple[str | None, ...] = VERDICTS) -> list[Behaviour]:
    """What is answered when one case at a time is asked and judged."""
    said = (json.dumps({"verdict": one}) if one else "It looks fine to me." for one in verdicts)
    return [Behaviour(text=text) for pair in zip(ANSWERS, said, strict=True) for text in pair]


def test_each_case_is_asked_judged_and_found_again(running: Backtalk, provider: Provider, tmp_path: Path) -> None:
    """Scores, the trace of every answer, feedback on it, the run in the lineage; and nobody takes it for a user."""
    provider.script(*judged())
    words = ("--scorer", "exact", "--scorer", "includes", "--judge-model", "big", "--scorer", "judge")
    more = ("--concurrency", "1", "--feedback", "--register", "first exam")
    found, said = evaluate(running, tmp_path / "out", *words, *more)

    assert [case.scores for case in found.cases] == [
        {"exact": 0.0, "includes": 1.0, "judge": 1.0},
        {"exact": 1.0, "includes": 1.0, "judge": 1.0},
        {"exact": 0.0, "includes": 0.0, "judge": 0.0},
        {"exact": 1.0, "includes": 1.0, "judge": "unparsable"},
    ]
    assert (found.scorers["judge"].n, found.scorers["judge"].unparsable, found.errors) == (3, 1, 0)
    assert len(list((tmp_path / "out" / "inspect").glob("*.eval"))) == 1
    assert (tmp_path / "out" / "inspect").stat().st_mode & 0o777 == 0o700
    assert "11 scores sent as feedback" in said
    assert {exchange.header("x-backtalk-purpose") for exchange in provider.exchanges} == {"evaluation"}
    for case, answer in zip(found.cases, ANSWERS, strict=True):
        document = running.wait_for_trace(str(case.trace_id), lambda one: one["calls"][0].get("feedback"))
        [call] = document["calls"]
        assert answer in json.dumps(call)
        assert {one["metric"] for one in call["feedback"]} <= {f"evaluation.{name}" for name in found.scorers}
        assert call["span_id"] == case.span_id
    _are_no_users(running, [str(case.trace_id) for case in found.cases], tmp_path)
    runs = subprocess.run(
        [ROOT / ".venv/bin/backtalk", "run", "show", "first exam", "--json", "--data-dir", running.data_dir],
        check=True, capture_output=True,
    )  # fmt: skip
    assert json.loads(runs.stdout)["metrics"]["includes.mean"] == 0.75


def _are_no_users(running: Backtalk, trace_ids: list[str], tmp_path: Path) -> None:
    """They are in the ledger, with their purpose; in no coverage, and in no dataset."""
    reader = LedgerReader(running.data_dir / "ledger")
    rows = wait_until(lambda: _all_there(reader, trace_ids), 20, what="the calls in the ledger")
    assert {row["purpose"] for row in rows} == {"evaluation"}
    _, audit = running.admin("/v1/audit?since_ns=0")
    assert audit["total"]["calls"] == 4
    built = build(running.data_dir / "ledger", load_recipe("kto"), tmp_path / "kto")
    facts = {
        call["trace_id"]
        for row in json.loads((built.folder / "manifest.json").read_bytes())["rows"]
        for call in row["calls"]
    }
    assert facts.isdisjoint(trace_ids)


def _all_there(reader: LedgerReader, trace_ids: list[str]) -> list[dict[str, Any]] | None:
    rows = reader.calls(trace_ids=trace_ids)
    return rows if len(rows) == len(trace_ids) else None


def test_an_error_is_no_wrong_answer_and_only_it_is_asked_again(
    running: Backtalk, provider: Provider, tmp_path: Path
) -> None:
    """The same command a second time asks the one case that got no answer; equal evaluations are equal bytes."""
    bad = Behaviour(status=400)
    provider.script(*(Behaviour(text=text) for text in ANSWERS[:3]), bad)
    words = ("--scorer", "includes", "--concurrency", "1")
    first, said = evaluate(running, tmp_path / "out", *words)
    assert (first.errors, first.scorers["includes"].n) == (1, 3)
    assert first.scorers["includes"].mean == pytest.approx(2 / 3, abs=1e-6)
    assert "1 without an answer" in said
    assert first.cases[3].error is not None
    assert first.cases[3].trace_id is not None

    provider.script(Behaviour(text=ANSWERS[3]))
    second, _ = evaluate(running, tmp_path / "out", *words)
    assert (second.errors, second.scorers["includes"].mean, len(provider.exchanges)) == (0, 0.75, 5)
    content = (tmp_path / "out" / "scores.json").read_bytes()
    third, _ = evaluate(running, tmp_path / "out", *words)
    assert (third, len(provider.exchanges)) == (second, 5)
    assert (tmp_path / "out" / "scores.json").read_bytes() == content


def test_after_a_kill_nothing_is_asked_twice(running: Backtalk, provider: Provider, tmp_path: Path) -> None:
    """Two cases were scored and the third was under way."""
    provider.script(*(Behaviour(text=text) for text in ANSWERS[:2]), Behaviour(hold=True))
    words = ("--scorer", "includes", "--concurrency", "1")
    process = start(running, tmp_path / "out", *words)
    wait_until(lambda: provider.held, 60, what="the third case")
    os.kill(process.pid, 9)
    process.communicate(timeout=30)
    provider.release()

    provider.script(*(Behaviour(text=text) for text in ANSWERS[2:]))
    found, _ = evaluate(running, tmp_path / "out", *words)
    assert (found.scorers["includes"].mean, len(provider.exchanges)) == (0.75, 5)
