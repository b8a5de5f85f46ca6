"""The writer: whole frames stay, torn ones go, a failed disk is not used again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backtalk.spool import segments
from backtalk.spool.frame import pack
from backtalk.spool.tail import Tail
from backtalk.spool.writer import BrokenError, Stream, Writer


def everything(directory: Path) -> list[bytes]:
    """All payloads of a stream."""
    got = list[bytes]()
    with Tail(directory) as tail:
        while records := tail.read():
            got += [record.payload for record in records]
    return got


def test_segments_are_named_by_their_position(tmp_path: Path) -> None:
    """A position is one integer over all segments; a segment is closed once it is full, private to us."""
    writer = Writer(Stream(tmp_path, "me", 50))
    for _ in range(4):
        writer.append([pack(b"x" * 22)])
    writer.close()
    assert [segment.base for segment in segments.listing(tmp_path)] == [0, 60]
    assert segments.listing(tmp_path)[1].path.name == "00000000000000000060.seg"
    assert {segment.path.stat().st_mode & 0o777 for segment in segments.listing(tmp_path)} == {0o600}
    assert writer.end == 120


def test_a_header_says_who_wrote_it_and_when(tmp_path: Path) -> None:
    """Format, boot, owner and position are in every file."""
    writer = Writer(Stream(tmp_path, "me", 50), end=7, continues=5)
    writer.roll()
    with segments.listing(tmp_path)[0].path.open("rb") as file:
        header, _ = segments.read_header(file.fileno(), 7)
    assert (header.format, header.owner, header.base, header.continues) == (segments.FORMAT, "me", 7, 5)
    assert segments.boot_id_of(tmp_path) == header.boot_id
    writer.close()


def test_a_segment_begun_before_a_crash_is_used(tmp_path: Path) -> None:
    """A reader that waits in an empty segment gets what the next life writes there."""
    first = Writer(Stream(tmp_path, "me", 50))
    first.roll()
    first.close()
    with Tail(tmp_path) as tail:
        assert tail.read() == []
        second = Writer(Stream(tmp_path, "me", 50))
        second.append([pack(b"here")])
        assert [record.payload for record in tail.read()] == [b"here"]
        second.close()


@pytest.mark.parametrize("room", [0, 7, 28, 29, 60, 139])
def test_a_full_disk_keeps_whole_frames_and_cuts_the_torn_one(tmp_path: Path, room: int) -> None:
    """Of a group that did not fit, what is whole counts as written, and the next write follows right behind it."""
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path), str(room)], check=True, capture_output=True)
    kept = int(done.stdout)
    assert kept == room // 28
    assert everything(tmp_path) == [*(b"%020d" % number for number in range(kept)), b"after"]


FULL = """
import resource, signal, sys
from pathlib import Path
from backtalk.spool import segments
from backtalk.spool.frame import pack
from backtalk.spool.writer import Stream, Writer

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
writer = Writer(Stream(Path(sys.argv[1]), "me", 10_000))
writer.roll()
size = segments.used_bytes(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (size + int(sys.argv[2]), resource.RLIM_INFINITY))
print(writer.append([pack(b"%020d" % number) for number in range(5)]))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert writer.append([pack(b"after")]) == 1
writer.close()
"""


def test_a_failed_disk_is_not_used_again(tmp_path: Path) -> None:
    """After an error that is no lack of room nothing more is taken, and what was written stays readable."""
    writer = Writer(Stream(tmp_path, "me", 10_000))
    writer.append([pack(b"kept")])
    assert writer._file is not None  # pyright: ignore[reportPrivateUsage] -- the fault is made under the writer
    os.close(writer._file)  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(BrokenError, match="failed"):
        writer.sync()
    with pytest.raises(BrokenError):
        writer.append([pack(b"refused")])
    assert everything(tmp_path) == [b"kept"]
