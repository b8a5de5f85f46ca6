"""The tables, written exactly once."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backtalk.errors import SetupError, StoreError
from backtalk.ledger.ledger import Ledger, Mark, Pins
from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.rows import Rows
from backtalk.ledger.schema import TABLES, TableName
from backtalk.model.chat import Message, Request
from backtalk.model.facts import CallClosed, Fact, JournalEntry
from backtalk.spool.cursor import Cursor
from backtalk.testing import stories

ROWS = Rows(b"secret")


def entry(offset: int, *facts: Fact) -> tuple[int, JournalEntry]:
    """A journal entry and the position behind it."""
    return offset, JournalEntry(facts)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The ledger's root."""
    return tmp_path / "ledger"


@pytest.fixture
def ledger(root: Path) -> Iterator[Ledger]:
    """An empty ledger."""
    made = Ledger(root, "journal-1", rows=ROWS, compact_every=5)
    yield made
    made.close()


def traces(root: Path, **pinned: Any) -> list[str]:
    """The trace ids of all calls."""
    return sorted(row["trace_id"] for row in LedgerReader(root, **pinned).everything("calls", order="opened_ns"))


def test_batch_that_comes_again_changes_nothing(root: Path, ledger: Ledger) -> None:
    """A repeat after a kill, also in other pieces, leaves each row once."""
    first, second, third = stories.closed(), stories.closed(), stories.closed()
    ledger.commit([entry(10, first), entry(20, second)])

    ledger.commit([entry(10, first), entry(20, second)])
    ledger.commit([entry(20, second), entry(30, third)])

    assert traces(root) == sorted(call.key.trace_id for call in (first, second, third))


def test_restart_goes_on_behind_the_last_commit(root: Path, ledger: Ledger) -> None:
    """What a table has is known to the table itself."""
    call = stories.closed()
    batch = [entry(10, call, stories.signal(call.key, call.key), stories.feedback())]
    ledger.commit(batch)
    ledger.close()

    again = Ledger(root, "journal-1", rows=ROWS)
    again.commit(batch)

    assert again.committed == 10
    assert len(traces(root)) == 1
    again.close()


def test_mark_spares_a_table_without_rows_the_whole_journal(root: Path, tmp_path: Path) -> None:
    """A ledger that never got feedback starts where its mark is, not at the journal's beginning."""
    mark = Cursor(tmp_path / "cursor", stream="journal-1")
    ledger = Ledger(root, "journal-1", rows=ROWS, mark=mark)
    ledger.commit([entry(10, stories.closed())])
    ledger.close()

    again = Ledger(root, "journal-1", rows=ROWS, mark=mark)

    assert (again.committed, mark.load()) == (10, 10)
    again.close()


def test_a_table_put_back_from_a_copy_is_filled_again(root: Path, tmp_path: Path) -> None:
    """The mark is ahead of it: the journal is read again from where the copy ends, and no other table doubles."""
    mark = Cursor(tmp_path / "cursor", stream="journal-1")
    marks: dict[TableName, Mark] = {name: Cursor(tmp_path / f"cursor-{name}", stream="journal-1") for name in TABLES}
    first, second = stories.closed(), stories.closed()
    ledger = Ledger(root, "journal-1", rows=ROWS, mark=mark, table_marks=marks)
    ledger.commit([entry(10, first)])
    shutil.copytree(root / "calls", tmp_path / "copy")
    ledger.commit([entry(20, second)])
    ledger.close()
    shutil.rmtree(root / "calls")
    shutil.copytree(tmp_path / "copy", root / "calls")

    again = Ledger(root, "journal-1", rows=ROWS, mark=mark, table_marks=marks)
    assert (again.committed, len(traces(root))) == (10, 1)
    again.commit([entry(20, second)])
    again.close()
    assert sorted(traces(root)) == sorted([first.key.trace_id, second.key.trace_id])
    healthy = Ledger(root, "journal-1", rows=ROWS, mark=mark, table_marks=marks)
    assert healthy.committed == 20
    healthy.close()


def test_kill_between_tables_is_made_good(root: Path, ledger: Ledger) -> None:
    """Tables that a batch had not reached get it from the repeat; those that had it skip it."""
    call = stories.closed()
    signal = stories.signal(call.key, call.key)
    ledger.commit([entry(10, call)])
    ledger.close()

    again = Ledger(root, "journal-1", rows=ROWS)
    again.commit([entry(10, call, signal)])

    reader = LedgerReader(root)
    assert len(reader.everything("calls", order="opened_ns")) == 1
    assert [row["signal_id"] for row in reader.everything("signals", order="found_ns")] == [signal.signal_id]
    again.close()


def test_another_journal_starts_anew(root: Path, ledger: Ledger) -> None:
    """Positions belong to a journal: a new one is not taken for a repeat."""
    ledger.commit([entry(100, stories.closed())])
    ledger.close()

    other = Ledger(root, "journal-2", rows=ROWS)
    other.commit([entry(10, stories.closed())])

    assert len(traces(root)) == 2
    other.close()


def test_second_writer_is_refused(root: Path, ledger: Ledger) -> None:
    """One ledger, one writer; the message says who is in the way."""
    ledger.commit([entry(10, stories.closed())])
    with pytest.raises(SetupError, match="another process"):
        Ledger(root, "journal-1", rows=ROWS)


def test_resent_history_is_stored_once(root: Path, ledger: Ledger) -> None:
    """A growing conversation costs one row for each message of it, and reads back in order."""
    history = [Message("user", f"turn {number}") for number in range(8)]
    calls = [_with_messages(history[: number + 1]) for number in range(8)]
    for number, call in enumerate(calls):
        ledger.commit([entry(10 * (number + 1), call)])

    reader = LedgerReader(root)
    stored = reader.everything("messages", order="first_seen_ns")
    assert len(stored) == len(history) + 1
    last = reader.calls(trace_ids=[calls[-1].key.trace_id])[0]
    texts = reader.messages(last["message_ids"])
    assert [msgspec.json.decode(texts[name]["json"])["text"] for name in last["message_ids"]] == [
        message.text for message in history
    ]


def test_compaction_keeps_every_row_and_old_versions(root: Path, ledger: Ledger) -> None:
    """Small files are merged behind a checkpoint; a version from before reads as it was."""
    for number in range(5):
        ledger.commit([entry(10 * (number + 1), stories.closed(response_id=f"r-{number}"))])
    before = LedgerReader(root).versions()
    seen = traces(root)

    assert ledger.maintain("2026-01-01")
    ledger.commit([entry(60, stories.closed())])

    assert traces(root, versions=before) == seen
    assert len(traces(root)) == 6
    assert list((root / "calls" / "_delta_log").glob("*.checkpoint.parquet"))
    assert len(list((root / "calls").glob("dt=*/*.parquet"))) > 1


def test_open_reader_follows_commits_and_compactions(root: Path, ledger: Ledger) -> None:
    """One reader, kept, sees every commit at once, whatever is compacted around it."""
    reader = LedgerReader(root)
    for number in range(60):
        ledger.commit([entry(10 * (number + 1), stories.closed())])
        ledger.maintain("2026-01-01")
        if number % 10 == 9:
            assert len(reader.everything("calls", order="opened_ns")) == number + 1


def _with_messages(messages: list[Message]) -> CallClosed:
    return stories.closed(call=msgspec.structs.replace(stories.opened(), request=Request(messages=tuple(messages))))


def test_what_is_pinned_is_asked_for_once_a_day_and_in_doubt_nothing_is_deleted(root: Path) -> None:
    """Where it cannot be said what is in use, compaction goes on and the vacuum waits."""
    asked: list[bool] = []

    def pins() -> Pins:
        asked.append(True)
        if len(asked) == 1:
            raise StoreError("the log is damaged", code="lineage_damaged")
        return {"calls": (1,)}

    ledger = Ledger(root, "journal-1", rows=ROWS, compact_every=1, pins=pins)
    for number in range(1, 5):
        ledger.commit([(number, JournalEntry((stories.closed(),)))])
        assert ledger.maintain("2026-01-01")
    assert len(asked) == 2
