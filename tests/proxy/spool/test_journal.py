"""The journal: entries survive, positions are never used twice."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from backtalk.errors import SetupError, StoreError
from backtalk.settings import JournalSettings
from backtalk.spool import segments
from backtalk.spool.journal import REBOOT_GAP_BYTES, Journal
from backtalk.spool.tail import Tail
from backtalk.telemetry import Metrics

SMALL = JournalSettings(limit_bytes=100_000, segment_bytes=200)


def open_journal(directory: Path, settings: JournalSettings = SMALL) -> Journal:
    """A journal with small segments."""
    return Journal.open(directory, settings, metrics=Metrics())


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An open journal."""
    opened = open_journal(tmp_path)
    yield opened
    opened.close()


def payloads(directory: Path, offset: int = 0) -> list[bytes]:
    """All entries from a position on."""
    got = list[bytes]()
    with Tail(directory, offset) as tail:
        while records := tail.read():
            got += [record.payload for record in records]
    return got


def test_an_entry_is_last_and_the_end_is_behind_it(journal: Journal) -> None:
    """`append` gives the position behind the entry; `last` is that entry."""
    assert journal.last() is None
    first = journal.append(b"one")
    second = journal.append(b"two")
    last = journal.last()
    assert last is not None
    assert (last.payload, last.offset, last.next_offset) == (b"two", first, second)
    assert journal.end == second


@examples(max_examples=60)
@given(st.lists(st.binary(max_size=80), min_size=1, max_size=12), st.integers(min_value=0))
def test_a_cut_at_any_byte_keeps_what_was_whole_and_never_reuses_a_position(written: list[bytes], where: int) -> None:
    """After a torn write the journal goes on, readers of any place see the whole entries and then the new ones."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        journal = open_journal(directory)
        ends = [journal.append(payload) for payload in written]
        journal.close()
        newest = segments.listing(directory)[-1]
        content = newest.path.read_bytes()
        with newest.path.open("rb") as file:
            _, header_bytes = segments.read_header(file.fileno(), newest.base)
        cut = header_bytes + where % (len(content) - header_bytes + 1)
        newest.path.write_bytes(content[:cut])
        whole = [p for p, end in zip(written, ends, strict=True) if end <= newest.base + cut - header_bytes]
        with Tail(directory) as tail:
            before = [record.payload for record in tail.read(1 << 20)]
            while more := tail.read():
                before += [record.payload for record in more]
            assert before == whole
            again = open_journal(directory)
            last = again.last()
            assert ([last.payload] if last else []) == whole[-1:]
            assert again.end >= newest.base + cut - header_bytes
            again.append(b"new")
            assert [record.payload for record in tail.read()] == [b"new"]
            assert tail.lost_bytes == 0
            again.close()
        assert payloads(directory) == [*whole, b"new"]


def test_a_reboot_leaves_a_gap_that_readers_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Positions that a reader may have seen before their sync are not used again; the gap does not count as lost."""
    journal = open_journal(tmp_path)
    end = journal.append(b"before")
    journal.close()
    monkeypatch.setattr("backtalk.clock.boot_id", lambda: "another boot")
    journal = open_journal(tmp_path)
    assert journal.append(b"after") > end + REBOOT_GAP_BYTES
    with Tail(tmp_path) as tail:
        assert [r.payload for r in (*tail.read(), *tail.read())] == [b"before", b"after"]
        assert tail.lost_bytes == 0
    journal.close()


def test_the_id_stays_and_a_second_writer_is_refused(tmp_path: Path) -> None:
    """A journal has one id for its life and one writer at a time."""
    journal = open_journal(tmp_path)
    with pytest.raises(SetupError, match="another worker"):
        open_journal(tmp_path)
    name = journal.id
    journal.close()
    journal = open_journal(tmp_path)
    assert journal.id == name
    journal.close()


def test_trim_deletes_whole_segments_and_keeps_the_last_entry(tmp_path: Path) -> None:
    """What all readers have passed goes; the last entry stays, for a restart needs it."""
    journal = open_journal(tmp_path)
    for number in range(20):
        journal.append(b"%050d" % number)
    before = len(segments.listing(tmp_path))
    journal.trim(journal.end)
    assert 0 < len(segments.listing(tmp_path)) < before
    journal.close()
    journal = open_journal(tmp_path)
    last = journal.last()
    assert last is not None
    assert last.payload == b"%050d" % 19
    journal.close()


def test_beyond_its_limit_the_oldest_entries_go_and_readers_know(tmp_path: Path) -> None:
    """The size is held; a reader that lags skips ahead and counts."""
    journal = open_journal(tmp_path, JournalSettings(limit_bytes=2000, segment_bytes=400))
    for number in range(100):
        journal.append(b"%050d" % number)
    assert segments.used_bytes(tmp_path) < 2600
    with Tail(tmp_path) as tail:
        first = tail.read()[0]
        assert first.offset == tail.lost_bytes > 0
    journal.close()


def test_a_closed_journal_refuses_and_keeps(tmp_path: Path) -> None:
    """What comes after the end is refused, what was appended stays."""
    journal = open_journal(tmp_path)
    journal.append(b"kept")
    journal.close()
    with pytest.raises(StoreError, match="closed"):
        journal.append(b"refused")
    assert payloads(tmp_path) == [b"kept"]
