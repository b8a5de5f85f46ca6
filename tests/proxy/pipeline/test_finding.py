"""Runs by what people call them, and decisions on what they propose."""

from pathlib import Path

import pytest

from backtalk.errors import RequestError
from backtalk.lineage import keeping
from backtalk.lineage.catalogue import Catalogue
from backtalk.lineage.log import LineageLog
from backtalk.lineage.records import ProposalMade, RunRegistered
from backtalk.pipeline import finding, state_log
from backtalk.pipeline.events import Ended, Pruned, StepFinished
from backtalk.pipeline.folders import home
from backtalk.testing.datasets import a_row, write_dataset
from backtalk.testing.pipelines import began

OLD, NEW = "20260101t120000000z-aaaaaa", "20260102t120000000z-bbbbbb"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A run that proposed nothing, and a later one that did."""
    keeping.register_dataset(tmp_path, write_dataset(tmp_path / "out", "pairs", [a_row("x")]), actor="ada")
    body = keeping.register_run(tmp_path, name="tune", purpose="training", datasets=["pairs"], actor="ada").body
    assert isinstance(body, RunRegistered)
    run = body.run_id
    made = ProposalMade("p-1234", "production", {"model_run": run}, run, run, run, {}, f"support/{NEW}")
    keeping.propose(tmp_path, made, actor="ada")
    runs = home(tmp_path, "support").runs
    state_log.append(runs / OLD, began(OLD))
    state_log.append(runs / OLD, Ended(2, "no_proposal", "worse"))
    state_log.append(runs / NEW, began(NEW, at_ns=10))
    state_log.append(runs / NEW, StepFinished(11, "propose", {"proposal": "p-1234"}))
    state_log.append(runs / NEW, Ended(12, "proposed", "better"))
    return tmp_path


def test_a_run_is_found_by_id_beginning_and_pipeline(data_dir: Path) -> None:
    """A pipeline's name means its latest."""
    assert [finding.find(data_dir, wanted).run.run_id for wanted in (OLD, "20260101", "support")] == [OLD, OLD, NEW]
    for wanted in ("2026", "nothing", ""):
        with pytest.raises(RequestError, match=f"the latest are: {OLD}, {NEW}"):
            finding.find(data_dir, wanted)


def test_a_promotion_is_a_record_of_the_name(data_dir: Path) -> None:
    """And the run says so."""
    finding.promote(data_dir, "support", actor="bob", reason="better")
    known = Catalogue(LineageLog(data_dir).records())
    assert known.refs["production"][1].proposal == "p-1234"
    document = finding.find(data_dir, NEW).document(finding.proposals(data_dir))
    assert (document["state"], document["proposal"]["state"]) == ("proposed", "promoted")


def test_a_rejection_is_one_too(data_dir: Path) -> None:
    """Then it cannot be promoted."""
    finding.reject(data_dir, NEW, actor="bob", reason="too dear")
    with pytest.raises(RequestError, match="was rejected"):
        finding.promote(data_dir, NEW, actor="bob", reason="better")


def test_a_run_without_a_proposal_has_nothing_to_decide(data_dir: Path) -> None:
    """Its state says why."""
    with pytest.raises(RequestError, match="proposes nothing: no_proposal"):
        finding.promote(data_dir, OLD, actor="bob", reason="better")


def test_what_was_deleted_is_not_promoted(data_dir: Path) -> None:
    """There is no model any more."""
    state_log.append(home(data_dir, "support").runs / NEW, Pruned(13, 100))
    with pytest.raises(RequestError, match="was deleted since"):
        finding.promote(data_dir, NEW, actor="bob", reason="better")
    finding.reject(data_dir, NEW, actor="bob", reason="gone")
