"""What a power loss tears is put aside and refilled."""

from collections.abc import Callable
from pathlib import Path

import pytest

from backtalk.ledger.ledger import Ledger
from backtalk.ledger.quarantine import mend
from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.rows import Rows
from backtalk.model.facts import JournalEntry
from backtalk.spool.cursor import Cursor
from backtalk.testing import stories

ROWS = Rows(b"secret")


def empty(path: Path) -> None:
    """The file lost all of its content."""
    path.write_bytes(b"")


def halve(path: Path) -> None:
    """Half of the file reached the disk."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zero(path: Path) -> None:
    """The size reached the disk, the content did not."""
    path.write_bytes(bytes(path.stat().st_size))


def last_log(table: Path) -> Path:
    """The newest log entry."""
    return max((table / "_delta_log").glob("[0-9]*.json"))


def last_data(table: Path) -> Path:
    """The newest data file."""
    return max(table.glob("dt=*/*.parquet"), key=lambda path: path.stat().st_mtime_ns)


@pytest.mark.parametrize("tear", [empty, halve, zero])
@pytest.mark.parametrize("victim", [last_log, last_data])
def test_torn_commit_is_refilled_exactly_once(
    tmp_path: Path, tear: Callable[[Path], None], victim: Callable[[Path], Path]
) -> None:
    """Whatever file of the newest commit is torn, after a restart and replay each row is there once."""
    mark = Cursor(tmp_path / "cursor", stream="journal-1")
    batches = [[(10 * (number + 1), JournalEntry((stories.closed(),)))] for number in range(3)]
    ledger = Ledger(tmp_path / "ledger", "journal-1", rows=ROWS, mark=mark)
    for batch in batches:
        ledger.commit(batch)
    ledger.close()
    tear(victim(tmp_path / "ledger" / "calls"))

    again = Ledger(tmp_path / "ledger", "journal-1", rows=ROWS, mark=mark)
    for batch in batches:
        if batch[-1][0] > again.committed:
            again.commit(batch)

    assert again.committed == 30
    assert len(LedgerReader(tmp_path / "ledger").everything("calls", order="opened_ns")) == 3
    assert list((tmp_path / "ledger" / "calls" / "_delta_log").glob("*.torn"))
    again.close()


@pytest.mark.parametrize("tear", [empty, halve])
def test_torn_checkpoint_costs_nothing(tmp_path: Path, tear: Callable[[Path], None]) -> None:
    """The log entries are still there, so the table opens without the checkpoint."""
    ledger = Ledger(tmp_path / "ledger", "journal-1", rows=ROWS, compact_every=2)
    for number in range(2):
        ledger.commit([(10 * (number + 1), JournalEntry((stories.closed(),)))])
    ledger.maintain("2026-01-01")
    ledger.close()
    tear(max((tmp_path / "ledger" / "calls" / "_delta_log").glob("*.checkpoint.parquet")))

    Ledger(tmp_path / "ledger", "journal-1", rows=ROWS).close()

    assert len(LedgerReader(tmp_path / "ledger").everything("calls", order="opened_ns")) == 2


def test_whole_table_is_left_alone(tmp_path: Path) -> None:
    """Where nothing is torn nothing is renamed."""
    ledger = Ledger(tmp_path / "ledger", "journal-1", rows=ROWS)
    ledger.commit([(10, JournalEntry((stories.closed(),)))])
    ledger.close()

    assert mend(tmp_path / "ledger" / "calls") == []
