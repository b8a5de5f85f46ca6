"""How far a fact has come, and which runs and names hang on it."""

from pathlib import Path
from typing import Any

import pytest

from backtalk.lineage import keeping
from backtalk.lineage.catalogue import Catalogue
from backtalk.lineage.log import LineageLog
from backtalk.lineage.reach import reached
from backtalk.lineage.records import ProposalMade
from backtalk.testing import stories
from backtalk.testing.datasets import a_row, write_dataset
from backtalk.testing.ledgers import write_facts

CALL, LATER, OTHER = (stories.closed(response_id=f"chatcmpl-{number}") for number in range(3))
SIGNAL = stories.signal(CALL.key, LATER.key)
THUMB = stories.feedback(feedback_id="f1", target_response_id="chatcmpl-0")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A ledger, two datasets of which one is from the call, a run and a name."""
    write_facts(tmp_path / "ledger", CALL, LATER, OTHER, SIGNAL, THUMB)
    rows = [
        a_row("one", OTHER.key),
        a_row("two", CALL.key, feedback=["f1"]),
        a_row("three", signals=[SIGNAL.signal_id]),
    ]
    for name, content in (("pairs", rows), ("others", rows[:1])):
        keeping.register_dataset(tmp_path, write_dataset(tmp_path / "out", name, content), actor="ada")
        keeping.register_run(tmp_path, name=f"tune-{name}", purpose="training", datasets=[name], actor="ada")
    keeping.set_ref(tmp_path, "production", {"run": "tune-pairs"}, actor="ada", reason="begin")
    return tmp_path


def ask(data_dir: Path, wanted: str) -> dict[str, Any]:
    """What it has come to."""
    return reached(data_dir, Catalogue(LineageLog(data_dir).records()), wanted)


def rows(found: dict[str, Any]) -> dict[str, list[int]]:
    """The rows by dataset."""
    return {one["name"]: [row["row"] for row in one["rows"]] for one in found["datasets"]}


def test_a_trace_reaches_by_its_call_its_feedback_and_its_signals(data_dir: Path) -> None:
    """The rows, the run that was trained on them, and the name that means that run."""
    found = ask(data_dir, CALL.key.trace_id)
    assert rows(found) == {"pairs": [1, 2]}
    assert [run["name"] for run in found["runs"]] == ["tune-pairs"]
    assert found["refs"] == ["production"]


def test_a_feedback_and_a_signal_reach_by_their_ids(data_dir: Path) -> None:
    """Alone, without the rest of their trace."""
    assert rows(ask(data_dir, "f1")) == {"pairs": [1]}
    assert rows(ask(data_dir, SIGNAL.signal_id)) == {"pairs": [2]}
    assert rows(ask(data_dir, OTHER.key.trace_id)) == {"pairs": [0], "others": [0]}


def test_what_reached_nothing_says_so(data_dir: Path) -> None:
    """Also for an id that nobody knows."""
    nothing: dict[str, Any] = {"datasets": [], "runs": [], "proposals": [], "refs": []}
    assert ask(data_dir, "0" * 32) == {"id": "0" * 32, **nothing}


def test_a_fact_reaches_the_proposal_that_stands_on_its_run(data_dir: Path) -> None:
    """With what the name should mean, and what became of it."""
    run = Catalogue(LineageLog(data_dir).records()).run("tune-pairs")[1].run_id
    made = ProposalMade("p-1234", "production", {"model_run": run}, run, run, run, {"gain": 0.2}, base=5)
    keeping.propose(data_dir, made, actor="loop")
    (found,) = ask(data_dir, "f1")["proposals"]
    assert (found["name"], found["parts"], found["state"]) == ("production", {"model_run": run}, "open")
    assert ask(data_dir, OTHER.key.trace_id)["proposals"] == [found]
    assert ask(data_dir, "0" * 32)["proposals"] == []
