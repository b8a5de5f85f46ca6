"""The rows around some calls."""

from pathlib import Path

from backtalk.datasets.surroundings import Surroundings
from backtalk.ledger.reader import LedgerReader
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts


def test_calls_that_showed_something_and_their_texts_are_there(tmp_path: Path) -> None:
    """An edit is read from the call that shows it; other calls of the trace do not bring their texts."""
    first, second = stories.closed(), stories.closed(answered="So.")
    signal = stories.signal(first.key, second.key, kind="assistant_edit")
    rows = Surroundings(LedgerReader(write_facts(tmp_path, first, second, signal)).pinned(), [first.key])

    assert set(rows.calls) == {first.key, second.key}
    assert [row["signal_id"] for row in rows.signals] == [signal.signal_id]
    assert len(rows.messages) == 3


def test_feedback_stands_with_the_call_that_it_is_about(tmp_path: Path) -> None:
    """By any key."""
    call = stories.closed(response_id="r-1")
    given = [stories.feedback(target_response_id="r-1"), stories.feedback(target_trace_id=call.key.trace_id, rater="b")]
    rows = Surroundings(LedgerReader(write_facts(tmp_path, call, *given)).pinned(), [call.key])

    assert {one.row["feedback_id"] for one in rows.standings[call.key]} == {one.feedback_id for one in given}
