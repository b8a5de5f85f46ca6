"""The fresh end of the journal: found at once, gone once committed, never without bound."""

from backtalk.ledger.rows import Rows
from backtalk.model.facts import JournalEntry
from backtalk.model.meter import NoMeter
from backtalk.telemetry import Metrics
from backtalk.testing import stories
from backtalk.web.fresh import FreshIndex


def test_call_is_found_by_trace_and_by_session() -> None:
    """A closed call's row is there as soon as its entry is."""
    index, call = FreshIndex(Rows(b"s"), NoMeter()), stories.closed()
    index.add(10, JournalEntry((call,)))

    assert [row["span_id"] for row in index.find("calls", "trace_id", [call.key.trace_id])] == [call.key.span_id]
    assert len(index.find("calls", "session_id", ["5e55"])) == 1


def test_call_that_runs_is_known_until_it_closes() -> None:
    """An open call is listed; its close replaces it."""
    index, call = FreshIndex(Rows(b"s"), NoMeter()), stories.closed()
    index.add(10, JournalEntry((call.opened,)))
    assert len(index.open_calls(lambda _: True)) == 1

    index.add(20, JournalEntry((call,)))
    assert index.open_calls(lambda _: True) == []


def test_committed_rows_leave_and_later_ones_stay() -> None:
    """What the ledger has is forgotten, to the position."""
    index, first, second = FreshIndex(Rows(b"s"), NoMeter()), stories.closed(), stories.closed()
    index.add(10, JournalEntry((first,)))
    index.add(20, JournalEntry((second,)))

    index.commit(10)

    assert index.find("calls", "trace_id", [first.key.trace_id]) == []
    assert len(index.find("calls", "trace_id", [second.key.trace_id])) == 1


def test_index_is_bounded_and_counts_what_left_early() -> None:
    """A ledger that never commits costs sight, not memory."""
    metrics = Metrics("admin")
    index = FreshIndex(Rows(b"s"), metrics, limit_rows=30)
    for position in range(100):
        index.add(position, JournalEntry((stories.closed(),)))

    assert len(index) == 30
    assert metrics.snapshot().value("backtalk.web.fresh_dropped") > 30


def test_index_is_bounded_in_bytes_too() -> None:
    """Few calls with long texts are as heavy as many with short ones."""
    index = FreshIndex(Rows(b"s"), NoMeter(), limit_bytes=100_000)
    calls = [stories.closed(answered="x" * 30_000) for _ in range(20)]
    for position, call in enumerate(calls):
        index.add(position, JournalEntry((call,)))

    assert 0 < len(index) <= 9
    assert index.find("calls", "trace_id", [calls[-1].key.trace_id])
