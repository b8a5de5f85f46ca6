"""How far an exporter has come: kept, and moved by one process at a time."""

from pathlib import Path

import pytest

from backtalk.errors import StoreError
from backtalk.lineage.cursors import Cursor, CursorFile


def test_a_cursor_that_never_moved_stands_at_the_beginning(tmp_path: Path) -> None:
    """Where it was moved to, another process finds it; each exporter has its own."""
    with CursorFile(tmp_path, "a").alone():
        assert CursorFile(tmp_path, "a").load() == Cursor()
        CursorFile(tmp_path, "a").save(Cursor(3, "f" * 64, sent=2, refused=1))
    assert CursorFile(tmp_path, "a").load() == Cursor(3, "f" * 64, sent=2, refused=1)
    assert CursorFile(tmp_path, "b").load() == Cursor()


def test_one_process_sends_at_a_time(tmp_path: Path) -> None:
    """A second one is told so, and does not wait; another exporter is not held up."""
    mine, theirs, other = (CursorFile(tmp_path, name) for name in ("a", "a", "b"))
    with mine.alone() as is_first, theirs.alone() as is_second, other.alone() as is_other:
        assert (is_first, is_second, is_other) == (True, False, True)
    with CursorFile(tmp_path, "a").alone() as again:
        assert again


def test_a_cursor_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """With what to do; nothing is sent twice unasked."""
    file = CursorFile(tmp_path, "a")
    with file.alone():
        file.save(Cursor())
    (tmp_path / "lineage" / "exported" / "a.json").write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match="delete it to send everything again"):
        file.load()
