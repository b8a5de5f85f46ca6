"""Tailing: each frame once and in order, whatever the writer does meanwhile."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from backtalk.spool import segments
from backtalk.spool.frame import pack
from backtalk.spool.tail import Tail, read_back
from backtalk.spool.writer import Stream, Writer

steps = st.lists(
    st.tuples(
        st.sampled_from(["append", "append", "roll", "read", "reopen", "reread"]),
        st.integers(min_value=1, max_value=200),
        st.lists(st.binary(max_size=60), min_size=1, max_size=5),
    ),
    max_size=40,
)


def stream(directory: Path, segment_bytes: int = 200) -> Stream:
    """A stream with small segments."""
    return Stream(directory, "test", segment_bytes)


@settings(max_examples=120)
@given(steps)
def test_any_interleaving_gives_each_frame_once_in_order(script: list[tuple[str, int, list[bytes]]]) -> None:
    """Appends, rolls, restarts of the writer and of the reader, reads of any size: nothing is lost or doubled."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        writer, tail = Writer(stream(directory)), Tail(directory)
        written, got = list[bytes](), list[bytes]()
        for action, size, payloads in script:
            if action == "append":
                assert writer.append([pack(payload) for payload in payloads]) == len(payloads)
                written += payloads
            elif action == "roll":
                writer.roll()
            elif action == "read":
                got += [record.payload for record in tail.read(size)]
            elif action == "reopen":
                writer.close()
                writer = Writer(stream(directory), end=writer.end)
            elif action == "reread":
                tail.close()
                tail = Tail(directory, tail.offset)
        while more := tail.read(100):
            got += [record.payload for record in more]
        assert got == written
        assert tail.lost_bytes == 0
        writer.close()
        tail.close()


def test_a_torn_frame_is_waited_for(tmp_path: Path) -> None:
    """Half a frame is no error and no frame; it is read once the rest is there."""
    writer = Writer(stream(tmp_path, 10_000))
    writer.append([pack(b"first")])
    frame = pack(b"second")
    path = segments.listing(tmp_path)[0].path
    with path.open("ab") as file, Tail(tmp_path) as tail:
        file.write(frame[:7])
        file.flush()
        assert [r.payload for r in tail.read()] == [b"first"]
        assert tail.read() == []
        file.write(frame[7:])
        file.flush()
        assert [r.payload for r in tail.read()] == [b"second"]
    writer.close()


def test_other_bytes_in_place_of_a_torn_frame_are_read(tmp_path: Path) -> None:
    """Where a torn frame was cut off and another written in its place, a waiting reader gets the other."""
    writer = Writer(stream(tmp_path, 10_000))
    writer.append([pack(b"first")])
    path = segments.listing(tmp_path)[0].path
    size = path.stat().st_size
    with Tail(tmp_path) as tail:
        tail.read()
        with path.open("r+b") as file:
            file.seek(size)
            file.write(pack(b"never whole, and long")[:20])
            file.flush()
            assert tail.read() == []
            file.truncate(size)
        writer.append([pack(b"second")])
        assert [r.payload for r in tail.read()] == [b"second"]
    writer.close()


def test_deleted_segments_are_skipped_and_counted(tmp_path: Path) -> None:
    """A reader behind the trimmed start goes on at what is left and knows how much it missed."""
    writer = Writer(stream(tmp_path, 20))
    for payload in (b"a" * 20, b"b" * 20, b"c" * 20):
        writer.append([pack(payload)])
    segments.listing(tmp_path)[0].path.unlink()
    with Tail(tmp_path) as tail:
        assert [r.payload for r in tail.read()] == [b"b" * 20]
        assert [r.payload for r in tail.read()] == [b"c" * 20]
        assert tail.lost_bytes == 28
    writer.close()


def test_a_segment_deleted_while_being_read_is_read_to_its_end(tmp_path: Path) -> None:
    """The open file outlives its name."""
    writer = Writer(stream(tmp_path, 20))
    writer.append([pack(b"a"), pack(b"b"), pack(b"c")])
    with Tail(tmp_path) as tail:
        assert [r.payload for r in tail.read(9)] == [b"a"]
        writer.append([pack(b"d")])
        segments.listing(tmp_path)[0].path.unlink()
        assert [r.payload for r in tail.read()] == [b"b", b"c"]
        assert [r.payload for r in tail.read()] == [b"d"]
        assert tail.lost_bytes == 0
    writer.close()


def test_a_frame_larger_than_the_read_size_comes_whole(tmp_path: Path) -> None:
    """The size of a read is a wish; one frame is always given."""
    writer = Writer(stream(tmp_path, 10_000))
    writer.append([pack(b"x" * 5000)])
    with Tail(tmp_path) as tail:
        assert [len(r.payload) for r in tail.read(16)] == [5000]
    writer.close()


def test_a_directory_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    """A reader may come before its writer."""
    with Tail(tmp_path / "later") as tail:
        assert tail.read() == []


def test_a_damaged_frame_costs_the_rest_of_its_segment(tmp_path: Path) -> None:
    """Behind damage a reader goes on with the next segment and counts what lay between."""
    writer = Writer(stream(tmp_path, 30))
    writer.append([pack(b"a" * 10), pack(b"b" * 10)])
    writer.append([pack(b"c" * 10)])
    path = segments.listing(tmp_path)[0].path
    content = bytearray(path.read_bytes())
    content[-1] ^= 0xFF
    path.write_bytes(content)
    with Tail(tmp_path) as tail:
        assert [r.payload for r in tail.read()] == [b"a" * 10]
        assert [r.payload for r in tail.read()] == [b"c" * 10]
        assert tail.lost_bytes == 18
    writer.close()


def test_reading_back_ends_where_it_is_told_and_begins_with_a_segment(tmp_path: Path) -> None:
    """Frames are found from a segment's beginning; what is gone is passed over."""
    writer = Writer(stream(tmp_path, 60))
    for number in range(20):
        writer.append([pack(bytes([number]) * 10)])
    with Tail(tmp_path) as tail:
        records = tail.read(10_000)
        while more := tail.read(10_000):
            records += more
    end = records[14].next_offset
    found = [record.payload[0] for record in read_back(tmp_path, records[9].offset, end)]
    assert found == list(range(found[0], 15))
    assert 5 < found[0] <= 9
    segments.listing(tmp_path)[0].path.unlink()
    assert [record.payload[0] for record in read_back(tmp_path, 0, end)][-1] == 14
    assert list(read_back(tmp_path / "none", 0, 10)) == []
    writer.close()
