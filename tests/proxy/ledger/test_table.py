"""One Delta table: a position is appended once, and told only when it is on disk."""

from pathlib import Path

import pytest
from deltalake import DeltaTable

from backtalk.errors import StoreError
from backtalk.ledger.durable import log_entry
from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.table import LedgerTable
from backtalk.testing.disk import Disk, failing, healthy


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the table lies."""
    return tmp_path / "ledger" / "calls"


@pytest.fixture
def table(path: Path) -> LedgerTable:
    """An empty table."""
    return LedgerTable.open(path, "calls", "journal-1")


def row(name: str, **fields: object) -> dict[str, object]:
    """A call."""
    return {"dt": "2026-01-01", "trace_id": name, **fields}


def names(path: Path, version: int | None = None) -> list[str]:
    """The trace ids in the table, in order."""
    reader = LedgerReader(path.parent, None if version is None else {"calls": version})
    return [str(row["trace_id"]) for row in reader.everything("calls", order="trace_id")]


def test_a_position_is_appended_once(path: Path, table: LedgerTable) -> None:
    """A batch that comes again says so and changes nothing, also after a restart."""
    assert table.position is None
    assert table.append([row("a")], 10)
    assert not table.append([row("a")], 10)
    assert not table.append([row("earlier")], 9)
    again = LedgerTable.open(path, "calls", "journal-1")
    assert not again.append([row("a")], 10)
    assert (again.position, again.version, names(path)) == (10, 1, ["a"])


def test_without_rows_there_is_no_version(path: Path, table: LedgerTable) -> None:
    """A table that got nothing stays behind; the ledger's mark says how far it is."""
    assert not table.append([], 10)
    assert (table.position, table.version, names(path)) == (None, 0, [])


def test_positions_belong_to_their_journal(path: Path, table: LedgerTable) -> None:
    """A new journal counts from its own beginning, in the same table."""
    table.append([row("a")], 1000)
    other = LedgerTable.open(path, "calls", "journal-2")
    assert other.position is None
    assert other.append([row("b")], 10)
    assert names(path) == ["a", "b"]


@pytest.mark.parametrize("what", ["data", "entry", "directory"])
def test_a_version_whose_sync_failed_is_written_anew(path: Path, table: LedgerTable, disk: Disk, what: str) -> None:
    """A second sync may succeed without the data: nothing of that version is used, not by this process nor the next."""
    log = path / "_delta_log"
    broken = {"entry": failing(log_entry(path, 1)), "directory": failing(log)}.get(what, _failing_data)
    disk.before = broken
    for _ in range(2):
        with pytest.raises(StoreError, match="calls"):
            table.append([row("a")], 10)
        assert (table.position, names(path)) == (None, [])
    disk.before = healthy
    unused = set(path.glob("dt=*/*.parquet"))
    assert LedgerTable.open(path, "calls", "journal-1").position is None
    assert table.append([row("a")], 10)
    assert (table.position, names(path)) == (10, ["a"])
    assert len({file for file in disk.synced if file.suffix == ".parquet"} - unused) == 1


def _failing_data(path: Path) -> None:
    if path.suffix == ".parquet":
        failing()(path)


def test_a_compaction_whose_sync_failed_is_taken_back(path: Path, table: LedgerTable, disk: Disk) -> None:
    """The files that it merged are there still; the rows are what they were."""
    for number in range(3):
        table.append([row(f"a{number}")], number + 1)
    disk.before = failing(log_entry(path, 4))
    with pytest.raises(StoreError, match="calls"):
        table.compact()
    disk.before = healthy
    assert (table.version, names(path)) == (3, ["a0", "a1", "a2"])
    table.compact()
    assert table.append([row("a3")], 4)
    assert names(path) == ["a0", "a1", "a2", "a3"]


def test_what_a_killed_writer_left_unsynced_is_synced_when_the_table_is_opened(
    path: Path, table: LedgerTable, disk: Disk
) -> None:
    """The journal is cut behind the position that an opened table says; it must be on disk by then."""
    table.append([row("a")], 10)
    disk.before = failing(log_entry(path, 1))
    with pytest.raises(StoreError, match="calls"):
        LedgerTable.open(path, "calls", "journal-1")


def test_a_new_table_is_named_durably(tmp_path: Path, disk: Disk) -> None:
    """The directory in which its name stands is synced too."""
    disk.before = failing(tmp_path)
    with pytest.raises(StoreError, match="signals"):
        LedgerTable.open(tmp_path / "signals", "signals", "journal-1")


def test_a_table_that_is_away_is_an_error_that_passes(path: Path, table: LedgerTable) -> None:
    """The same object goes on when the disk is there again."""
    log = path / "_delta_log"
    log.rename(path.parent / "aside")
    log.write_bytes(b"")
    with pytest.raises(StoreError) as told:
        table.append([row("a")], 10)
    assert told.value.code == "ledger_unavailable"
    log.unlink()
    (path.parent / "aside").rename(log)
    assert table.append([row("a")], 10)
    assert names(path) == ["a"]


def test_rows_that_do_not_fit_are_refused_whole(path: Path, table: LedgerTable) -> None:
    """A batch is appended with all of its rows or not at all."""
    with pytest.raises(StoreError):
        table.append([row("a"), row("b", status="no number")], 10)
    assert (table.position, names(path)) == (None, [])


def test_compaction_merges_files_and_keeps_rows_positions_and_versions(path: Path, table: LedgerTable) -> None:
    """Many small files become one; an earlier version reads as it was, also after a vacuum."""
    for number in range(4):
        table.append([row(f"a{number}")], number + 1)
    table.compact()
    table.vacuum()
    assert len(DeltaTable(path).file_uris()) == 1
    assert names(path) == ["a0", "a1", "a2", "a3"]
    assert names(path, version=2) == ["a0", "a1"]
    assert LedgerTable.open(path, "calls", "journal-1").position == 4
    assert table.append([row("a4")], 5)


def test_what_was_torn_is_said_and_refilled(path: Path, table: LedgerTable) -> None:
    """The position falls back with the version, so that the rows come again."""
    table.append([row("a")], 10)
    table.append([row("b")], 20)
    log_entry(path, 2).write_bytes(b"")
    again = LedgerTable.open(path, "calls", "journal-1")
    assert [name.name for name in again.torn] == [f"{log_entry(path, 2).name}.torn"]
    assert again.position == 10
    assert again.append([row("b")], 20)
    assert names(path) == ["a", "b"]


def test_the_directory_is_private(path: Path, table: LedgerTable) -> None:
    """What users asked is nobody else's to read."""
    assert (path.stat().st_mode & 0o777, table.name) == (0o700, "calls")
