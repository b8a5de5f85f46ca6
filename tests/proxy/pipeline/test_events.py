"""What the events of a run say together."""

from typing import Any

from backtalk.pipeline.events import Ended, Event, Pruned, RunState, StepFailed, StepFinished, StepStarted, told
from backtalk.testing.pipelines import began

BEGAN = began("r")


def state(*events: Event) -> RunState:
    """The state of a run with these events behind the first."""
    found = told([BEGAN, *events])
    assert found is not None
    return found


def test_a_run_that_has_not_begun_is_none() -> None:
    """A kill came before its first line."""
    assert told([]) is None


def test_a_step_is_done_when_its_end_is_there() -> None:
    """What it gave stands with it; until then it is the open one."""
    found = state(StepStarted(2, "a", 1), StepFinished(3, "a", {"x": 1}), StepStarted(4, "b", 1))
    assert (found.finished, found.open_step, found.last_ns) == ({"a": {"x": 1}}, "b", 4)
    assert (found.state(at_work=True), found.state(at_work=False)) == ("running", "interrupted")


def test_a_failure_stands_until_the_next_attempt() -> None:
    """Attempts are counted."""
    failed = (StepStarted(2, "a", 1), StepFailed(3, "a", "bad", "why"))
    assert state(*failed).state(at_work=False) == "failed"
    assert state(*failed).document(at_work=False)["message"] == "why"
    again = state(*failed, StepStarted(4, "a", 2))
    assert (again.state(at_work=False), again.attempts) == ("interrupted", {"a": 2})


def test_an_end_is_the_state_for_ever() -> None:
    """Also of a run whose files are gone."""
    found = state(Ended(2, "no_proposal", "worse"), Pruned(3, 10))
    assert (found.state(at_work=True), found.pruned) == ("no_proposal", True)
    document: dict[str, Any] = found.document(at_work=True)
    assert (document["state"], document["message"], document["step"]) == ("no_proposal", "worse", None)
