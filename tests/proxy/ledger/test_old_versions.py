"""Old versions: what datasets in use were built from can be read after a vacuum, and the log leads to it."""

import os
import re
import time
from pathlib import Path

import pytest

from backtalk.ledger.durable import log_entry
from backtalk.ledger.old_versions import LOG_DAYS, is_expiring, readable
from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.table import LedgerTable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A table of four versions that was compacted into a fifth."""
    path = tmp_path / "ledger" / "calls"
    table = LedgerTable.open(path, "calls", "journal-1")
    for number in range(1, 5):
        table.append([{"dt": "2026-01-01", "trace_id": f"{number}"}], number)
    table.compact()
    return path


def aged(path: Path) -> None:
    """Let the log be older than it is kept."""
    long_ago = time.time_ns() // 10**9 - (LOG_DAYS + 1) * 86_400
    for entry in (path / "_delta_log").glob("*.json"):
        os.utime(entry, (long_ago, long_ago))


def forgotten(path: Path) -> None:
    """Let the compaction be long ago, so that what it replaced is due."""
    log = path / "_delta_log"
    for checkpoint in (*log.glob("*.parquet"), *log.glob("_last_checkpoint")):
        checkpoint.unlink()
    entry = log_entry(path, 5)
    entry.write_text(re.sub(r'"deletionTimestamp":\d+', '"deletionTimestamp":1', entry.read_text()))


def names(path: Path, version: int) -> list[str]:
    """The trace ids of a version."""
    reader = LedgerReader(path.parent, {"calls": version})
    return [row["trace_id"] for row in reader.everything("calls", order="trace_id")]


def test_only_versions_that_the_log_leads_to_are_kept(path: Path) -> None:
    """A version that never was, or that is gone, stops no vacuum."""
    assert readable(path, [99, 2, 2, 1]) == [1, 2]
    log_entry(path, 2).unlink()
    log_entry(path, 1).unlink()
    assert readable(path, [2, 1]) == []
    LedgerTable.open(path, "calls", "journal-1").vacuum(keep=[2, 99])


def test_a_vacuum_with_a_pin_leaves_its_rows_and_takes_its_neighbours(path: Path) -> None:
    """What a pinned version names is there, what only others name is gone."""
    forgotten(path)
    LedgerTable.open(path, "calls", "journal-1").vacuum(keep=[2])
    assert (names(path, 2), names(path, 5)) == (["1", "2"], ["1", "2", "3", "4"])
    with pytest.raises(Exception, match="not found"):
        names(path, 3)


def test_the_log_is_cleaned_up_unless_a_pin_would_lose_its_way(path: Path) -> None:
    """Expired entries go once a checkpoint stands behind them; a pinned version among them keeps all."""
    table = LedgerTable.open(path, "calls", "journal-1")
    aged(path)
    assert is_expiring(path, [2])
    table.vacuum(keep=[2])
    assert names(path, 2) == ["1", "2"]
    aged(path)
    table.vacuum()
    assert not log_entry(path, 2).exists()
    assert is_expiring(path, [2])


def test_young_pins_do_not_keep_the_log_from_being_cleaned_up(path: Path) -> None:
    """Only what is before a pin goes."""
    assert not is_expiring(path, [2, 3])
