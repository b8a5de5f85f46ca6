"""Reading the ledger."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from arro3.core import Array, DataType, Field, Schema, Table
from deltalake import write_deltalake
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtalk.errors import StoreError
from backtalk.ledger.ledger import Ledger
from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.rows import Rows
from backtalk.model.facts import JournalEntry
from backtalk.testing import stories

ROWS = Rows(b"secret")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The ledger's root."""
    return tmp_path / "ledger"


@pytest.fixture
def ledger(root: Path) -> Iterator[Ledger]:
    """An empty ledger."""
    made = Ledger(root, "journal-1", rows=ROWS, compact_every=3)
    yield made
    made.close()


def test_ledger_that_is_not_there_is_empty(root: Path) -> None:
    """Before the first call there is nothing to read, and no error."""
    reader = LedgerReader(root)
    assert reader.calls(trace_ids=["a" * 32]) == []
    assert reader.versions() == {}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=40))
def test_any_text_is_quoted(root: Path, text: str) -> None:
    """What a person asks for is a value, never a part of the query."""
    if not root.exists():
        made = Ledger(root, "journal-1", rows=ROWS)
        made.commit([(10, JournalEntry((stories.closed(),)))])
        made.close()
    assert LedgerReader(root).recent_calls(limit=5, model=text) == []


def test_newest_calls_come_first_and_page_by_time(root: Path, ledger: Ledger) -> None:
    """A page ends where the next begins."""
    calls = [stories.closed(call=stories.opened(opened_ns=stories.NOON_NS + number)) for number in range(6)]
    ledger.commit([(10, JournalEntry(tuple(calls)))])
    reader = LedgerReader(root)

    first = reader.recent_calls(limit=4)
    second = reader.recent_calls(limit=4, before_ns=first[-1]["opened_ns"])

    assert [row["trace_id"] for row in (*first, *second)] == [call.key.trace_id for call in reversed(calls)]


def test_a_range_holds_its_first_instant_and_not_its_last(root: Path, ledger: Ledger) -> None:
    """Neighbouring ranges share no call and leave none out; each is in the order of arrival."""
    calls = [stories.closed(call=stories.opened(opened_ns=stories.NOON_NS + number)) for number in (3, 1, 0, 2)]
    ledger.commit([(10, JournalEntry(tuple(calls)))])
    rows = LedgerReader(root).calls_between(stories.NOON_NS + 1, stories.NOON_NS + 3)
    assert [row["opened_ns"] - stories.NOON_NS for row in rows] == [1, 2]


def test_first_row_of_a_feedback_id_stands(root: Path, ledger: Ledger) -> None:
    """A repeat that was accepted is read once."""
    target = {"feedback_id": "fb", "target_trace_id": "a" * 32}
    ledger.commit([(10, JournalEntry((stories.feedback(value_json="true", given_ns=1, **target),)))])
    ledger.commit([(20, JournalEntry((stories.feedback(value_json="false", given_ns=2, **target),)))])

    found = LedgerReader(root).feedback(trace_ids=["a" * 32])

    assert [row["value_json"] for row in found] == ["true"]


def test_pinned_reader_sees_nothing_new(root: Path, ledger: Ledger) -> None:
    """A dataset is built from one moment, whatever is written meanwhile."""
    ledger.commit([(10, JournalEntry((stories.closed(),)))])
    pinned = LedgerReader(root).pinned()
    ledger.commit([(20, JournalEntry((stories.closed(),)))])

    assert len(pinned.everything("calls", order="opened_ns")) == 1


def test_column_of_another_version_is_no_obstacle(root: Path, ledger: Ledger) -> None:
    """A table that another version has widened is still read and written."""
    ledger.commit([(10, JournalEntry((stories.closed(),)))])
    fields = [Field("dt", DataType.utf8()), Field("trace_id", DataType.utf8()), Field("mood", DataType.utf8())]
    columns = [Array([value], type=DataType.utf8()) for value in ("2026-01-01", "b" * 32, "good")]
    wider = Table.from_arrays(columns, schema=Schema(fields))  # pyright: ignore[reportUnknownMemberType] -- Arrow's stubs
    ledger.close()
    write_deltalake(str(root / "calls"), wider, mode="append", schema_mode="merge")

    again = Ledger(root, "journal-1", rows=ROWS)
    again.commit([(20, JournalEntry((stories.closed(),)))])
    again.close()

    rows = LedgerReader(root).everything("calls", order="opened_ns")
    assert sorted(str(row["mood"]) for row in rows) == ["None", "None", "good"]


def test_feedback_of_before_it_could_be_taken_back_has_no_successors(root: Path) -> None:
    """A table without the columns is read as one in which nobody took anything back."""
    names = ("dt", "feedback_id", "kind", "value_json", "tenant", "trace_id")
    fields = [Field(name, DataType.utf8()) for name in names]
    columns = [Array([name], type=DataType.utf8()) for name in names]
    old = Table.from_arrays(columns, schema=Schema(fields))  # pyright: ignore[reportUnknownMemberType] -- Arrow's stubs
    write_deltalake(str(root / "feedback"), old)
    for reader in (LedgerReader(root), LedgerReader(root).pinned()):
        assert reader.successors(["feedback_id"]) == []
        assert len(reader.everything("feedback", order="dt")) == 1


def test_reads_race_commits_and_compactions(root: Path, ledger: Ledger) -> None:
    """A reader in another thread never fails and never sees fewer rows than before."""
    reader, seen, failures = LedgerReader(root), [0], list[Exception]()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                seen.append(len(reader.everything("calls", order="opened_ns")))
            except StoreError as error:
                failures.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(30):
        ledger.commit([(10 * (number + 1), JournalEntry((stories.closed(),)))])
        ledger.maintain(f"day {number // 5}")
    done.set()
    thread.join()

    assert failures == []
    assert seen == sorted(seen)
    assert len(reader.everything("calls", order="opened_ns")) == 30
