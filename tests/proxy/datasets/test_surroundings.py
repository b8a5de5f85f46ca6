"""The rows around some calls."""

from pathlib import Path

import msgspec

from backtalk.datasets.surroundings import Surroundings
from backtalk.model.facts import Fact
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts
from backtalk.testing.selections import only_chunk, selected


def around(root: Path, *facts: Fact) -> Surroundings:
    """What is around the calls of a ledger with these facts."""
    with selected(write_facts(root, *facts)) as selection:
        return Surroundings(only_chunk(selection))


def test_calls_that_showed_something_and_their_texts_are_there(tmp_path: Path) -> None:
    """An edit is read from the call that shows it; other calls of the trace do not bring their texts."""
    first, second = stories.closed(), stories.closed(answered="So.")
    beside = stories.closed(call=stories.opened(key=second.key._replace(trace_id=first.key.trace_id), asked="Else?"))
    signal = stories.signal(first.key, second.key, kind="assistant_edit")
    rows = around(tmp_path, first, second, beside, signal)

    assert (set(rows.calls), set(rows.edits)) == ({first.key}, {second.key})
    assert [row["signal_id"] for row in rows.signals] == [signal.signal_id]
    assert len(rows.messages) == 3


def test_feedback_stands_with_the_call_that_it_is_about(tmp_path: Path) -> None:
    """By any key."""
    call = stories.closed(response_id="r-1")
    given = [stories.feedback(target_response_id="r-1"), stories.feedback(target_trace_id=call.key.trace_id, rater="b")]
    rows = around(tmp_path, call, *given)

    assert {one.row["feedback_id"] for one in rows.standings[call.key]} == {one.feedback_id for one in given}


def test_signal_counts_by_its_latest_replay(tmp_path: Path) -> None:
    """And not at all where that withdraws it."""
    first, second = stories.closed(), stories.closed(answered="So.")
    found = stories.signal(first.key, second.key)
    again = msgspec.structs.replace(found, probability=0.3, replay=1)

    (row,) = around(tmp_path, first, second, found, again).signals

    assert row["probability"] == 0.3
