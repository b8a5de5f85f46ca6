"""Pins: the table versions of datasets in use."""

from pathlib import Path

import pytest

from backtalk.errors import StoreError
from backtalk.ledger.ledger import Ledger
from backtalk.ledger.rows import Rows
from backtalk.lineage import keeping
from backtalk.lineage.log import LineageLog
from backtalk.lineage.pins import pins
from backtalk.model.facts import JournalEntry
from backtalk.testing import stories
from backtalk.testing.datasets import a_row, write_dataset


def test_datasets_in_use_pin_their_versions_and_retired_ones_let_go(tmp_path: Path) -> None:
    """A table that is not known here pins nothing."""
    for name, tables in (("a", {"calls": 3, "feedback": 4}), ("b", {"calls": 7, "weather": 1})):
        keeping.register_dataset(
            tmp_path, write_dataset(tmp_path / "out", name, [a_row(name)], tables=tables), actor="ada"
        )
    assert pins(tmp_path) == {"calls": {3, 7}, "feedback": {4}}
    keeping.retire_dataset(tmp_path, "a", actor="ada", reason="old")
    assert pins(tmp_path) == {"calls": {7}}


def test_a_damaged_log_pins_everything(tmp_path: Path) -> None:
    """It raises, and the ledger deletes nothing then."""
    keeping.register_dataset(tmp_path, write_dataset(tmp_path / "out", "a", [a_row("a")]), actor="ada")
    log = LineageLog(tmp_path)
    log.path.write_bytes(log.path.read_bytes().replace(b"ada", b"eve"))
    with pytest.raises(StoreError, match="cannot be trusted"):
        pins(tmp_path)
    ledger = Ledger(tmp_path / "ledger", "journal-1", rows=Rows(b"s"), compact_every=1, pins=lambda: pins(tmp_path))
    ledger.commit([(10, JournalEntry((stories.closed(),)))])
    assert ledger.maintain("2026-01-01")
    ledger.close()
