"""The files of the tables."""

from pathlib import Path

import pytest

from backtalk.errors import StoreError
from backtalk.ledger.files import table_files
from backtalk.ledger.ledger import Ledger
from backtalk.ledger.rows import Rows
from backtalk.model.facts import JournalEntry
from backtalk.testing import stories


def test_a_version_has_the_files_that_it_had(tmp_path: Path) -> None:
    """What was appended later is no part of it, and a table that is not there has none."""
    ledger = Ledger(tmp_path / "it's a *? ü", "journal-1", rows=Rows(b"secret"))
    ledger.commit([(1, JournalEntry((stories.closed(),)))])
    before = table_files(tmp_path / "it's a *? ü")
    ledger.commit([(2, JournalEntry((stories.closed(),)))])

    after, pinned = table_files(tmp_path / "it's a *? ü"), table_files(tmp_path / "it's a *? ü", ledger.versions())
    was = table_files(tmp_path / "it's a *? ü", {"calls": before["calls"].version})

    assert (len(before["calls"].paths), len(after["calls"].paths)) == (1, 2)
    assert pinned["calls"] == after["calls"]
    assert was == {"calls": before["calls"]}
    assert all(Path(path).is_file() for path in after["calls"].paths)
    assert "dt=2026-01-01" in before["calls"].paths[0]
    assert table_files(tmp_path / "nowhere") == {}


def test_a_version_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Nothing else is read in its place."""
    Ledger(tmp_path, "journal-1", rows=Rows(b"secret")).commit([(1, JournalEntry((stories.closed(),)))])
    with pytest.raises(StoreError, match="cannot be read"):
        table_files(tmp_path, {"calls": 99})
