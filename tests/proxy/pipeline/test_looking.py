"""What a trigger needs to know."""

from pathlib import Path

import pytest

from backtalk.clock import NS_PER_S
from backtalk.errors import SetupError
from backtalk.pipeline.events import RunState, told
from backtalk.pipeline.looking import look, periods
from backtalk.pipeline.sections import Statistics
from backtalk.quality.two_shares import Sums
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts
from backtalk.testing.pipelines import a_pipeline, began, corrected_calls

NOON = stories.NOON_NS
LATER = NOON + 3_600 * NS_PER_S


def last(at_ns: int, newest_ns: int) -> RunState:
    """The run before."""
    found = told([began("r", at_ns=at_ns, newest_fact_ns=newest_ns)])
    assert found is not None
    return found


def test_facts_are_counted_behind_those_of_the_last_run(tmp_path: Path) -> None:
    """All of them where there was none; the newest is what the next run begins behind."""
    write_facts(tmp_path / "ledger", *corrected_calls(4, given_ns=NOON + 10))
    found = look(tmp_path, a_pipeline(), None, LATER)
    assert (found.last_ns, found.new_facts, found.newest_ns) == (None, 4, NOON + 13)
    found = look(tmp_path, a_pipeline(), last(NOON + 60, NOON + 11), LATER)
    assert (found.last_ns, found.new_facts, found.newest_ns) == (NOON + 60, 2, NOON + 13)
    assert look(tmp_path, a_pipeline(), last(NOON + 60, NOON + 13), LATER).newest_ns == NOON + 13


def test_the_metric_is_asked_of_two_windows_that_share_no_call() -> None:
    """The later one begins where the last run did, where the window would reach behind it."""
    then, now = periods(Statistics(window_s=100), 1_000 * NS_PER_S, 1_050 * NS_PER_S)
    assert (then.since_ns, then.until_ns) == (900 * NS_PER_S, 1_000 * NS_PER_S)
    assert (now.since_ns, now.until_ns) == (1_000 * NS_PER_S, 1_050 * NS_PER_S)


def test_shares_are_asked_for_where_the_pipeline_wants_them(tmp_path: Path) -> None:
    """Before the last run, and since."""
    write_facts(tmp_path / "ledger", *corrected_calls(4))
    pipeline = a_pipeline(tables="[trigger.statistics]\nwindow_s = 7200")
    found = look(tmp_path, pipeline, last(NOON + 60 * NS_PER_S, 0), LATER)
    assert (found.then, found.now) == (Sums(4, 4, 4, 4, 4, 4), Sums())
    found = look(tmp_path, pipeline, last(NOON - NS_PER_S, 0), LATER)
    assert (found.then, found.now) == (Sums(), Sums(4, 4, 4, 4, 4, 4))


def test_without_a_ledger_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    """And what to do is said."""
    with pytest.raises(SetupError, match="run `backtalk serve` first"):
        look(tmp_path, a_pipeline(), None, LATER)
