"""Segments that are written anew: the same positions, other content, and readers that see it."""

from pathlib import Path

import pytest

from backtalk.settings import JournalSettings
from backtalk.spool import Journal, Tail, segments
from backtalk.spool.rewriting import rewrite
from backtalk.telemetry import Metrics


def blank(payload: bytes) -> bytes | None:
    """Secrets become dots."""
    return payload.replace(b"secret", b"......") if b"secret" in payload else None


def test_positions_stay_and_the_old_content_is_gone(tmp_path: Path) -> None:
    """A reader behind any entry goes on as if nothing had been."""
    journal = Journal.open(tmp_path, JournalSettings(), metrics=Metrics())
    ends = [journal.append(payload) for payload in (b"one", b"a secret", b"three")]
    with Tail(tmp_path, ends[0]) as behind:
        assert journal.rewrite(blank) == 1
        assert journal.append(b"four") > ends[-1]
        found: list[bytes] = []
        while records := behind.read():
            found += [record.payload for record in records]
    assert found == [b"a ......", b"three", b"four"]
    with Tail(tmp_path) as tail:
        assert [record.next_offset for record in tail.read()] == ends
    assert not any(b"secret" in path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    journal.close()


def test_a_reader_in_the_middle_of_a_segment_reads_what_is_there_now(tmp_path: Path) -> None:
    """It has the old file open and must not go on in it."""
    journal = Journal.open(tmp_path, JournalSettings(), metrics=Metrics())
    for payload in (b"x" * 100, b"a secret", b"three"):
        journal.append(payload)
    with Tail(tmp_path) as tail:
        assert [record.payload for record in tail.read(1)][:1] == [b"x" * 100]
        journal.rewrite(blank)
        found: list[bytes] = []
        while records := tail.read():
            found += [record.payload for record in records]
    assert b"a secret" not in found
    journal.close()


def test_the_last_entry_is_blanked_in_memory_too(tmp_path: Path) -> None:
    """A restart would read it from the file, and this life remembers it."""
    journal = Journal.open(tmp_path, JournalSettings(), metrics=Metrics())
    journal.append(b"a secret")
    journal.rewrite(blank)
    last = journal.last()
    assert last is not None
    assert last.payload == b"a ......"
    journal.close()


def test_another_length_is_refused(tmp_path: Path) -> None:
    """Every position behind it would be wrong; the segment stays as it was."""
    journal = Journal.open(tmp_path, JournalSettings(), metrics=Metrics())
    journal.append(b"a secret")
    journal.close()
    (segment,) = segments.listing(tmp_path)
    with pytest.raises(ValueError, match="cannot take the place"):
        rewrite(segment, lambda payload: payload + b".")
    assert b"a secret" in segment.path.read_bytes()


def test_a_damaged_segment_is_left_alone(tmp_path: Path) -> None:
    """No reader goes into it."""
    path = tmp_path / segments.name(0)
    path.write_bytes(b"no segment")
    assert rewrite(segments.listing(tmp_path)[0], blank) == 0
