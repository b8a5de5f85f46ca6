"""Cursors: a place that survives, or none at all."""

from pathlib import Path

import pytest

from backtalk.spool.cursor import Cursor


def test_a_saved_offset_is_loaded(tmp_path: Path) -> None:
    """The last saved offset counts."""
    cursor = Cursor(tmp_path / "cursors" / "otlp")
    assert cursor.load() is None
    cursor.save(17)
    cursor.save(23)
    assert Cursor(tmp_path / "cursors" / "otlp").load() == 23


@pytest.mark.parametrize("content", [b"", b"x", b"\xff", b"12 other-journal\n"])
def test_a_damaged_or_foreign_file_is_no_offset(tmp_path: Path, content: bytes) -> None:
    """What cannot be read, or belongs to another journal, is as if nothing had been saved."""
    (tmp_path / "c").write_bytes(content)
    assert Cursor(tmp_path / "c", stream="mine").load() is None
