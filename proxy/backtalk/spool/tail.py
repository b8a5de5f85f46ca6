"""The tail: reads a stream of segments while it is being written.

In: a directory and a position. Out: records from there on, each once and in order. A frame that is not whole is waited
for, never an error; only where a later segment follows is the rest of a file final. What is missing is counted.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple, Self

from backtalk.spool import segments
from backtalk.spool.frame import HEAD_BYTES, scan, wanted_bytes
from backtalk.spool.segments import BadSegmentError, Header, Segment

READ_BYTES: Final = 1 << 20


class Record(NamedTuple):
    """One payload and its place in the stream."""

    offset: int
    next_offset: int
    payload: bytes


class _Open(NamedTuple):
    file: int
    path: Path
    inode: int
    header: Header
    header_bytes: int


class Tail:
    """Reads on from `offset`; keeps the current segment open, so its deletion does not disturb."""

    def __init__(self, directory: Path, offset: int = 0) -> None:
        self._directory = directory
        self._open: _Open | None = None
        self.offset = offset
        self.lost_bytes = 0
        """Bytes of the stream that were gone before they could be read."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, max_bytes: int = READ_BYTES) -> list[Record]:
        """The next records, about `max_bytes` of them and at least one; empty where nothing new is whole."""
        while True:
            if self._open is None and not self._enter(self._first()):
                return []
            if found := self._read_file(max_bytes):
                return found
            following = self._following()
            if following is None:
                return []
            # Frames may have come between the look at the file and the look for the next one.
            if found := self._read_file(max_bytes):
                return found
            if not self._enter(following):
                return []

    def close(self) -> None:
        """Let the current file go; reading on opens it again."""
        if self._open is not None:
            with contextlib.suppress(OSError):
                os.close(self._open.file)
            self._open = None

    def _first(self) -> Segment | None:
        """The segment that holds the position, else the next one behind it, else None."""
        known = segments.listing(self._directory)
        holding = [s for s in known if s.base <= self.offset]
        return holding[-1] if holding else (known[0] if known else None)

    def _following(self) -> Segment | None:
        base = self._open.header.base if self._open else -1
        return next((s for s in segments.listing(self._directory) if s.base > base), None)

    def _enter(self, segment: Segment | None) -> bool:
        """Go on in another segment, counting what lies between; False where that is not possible now."""
        while segment is not None:
            try:
                opened = _open_segment(segment)
            except FileNotFoundError:
                self.close()
                return self._enter(self._first())
            except BadSegmentError:
                base = segment.base
                segment = next((s for s in segments.listing(self._directory) if s.base > base), None)
                continue
            self.close()
            self._open = opened
            if opened.header.base > self.offset:
                self.lost_bytes += max(0, opened.header.continues - self.offset)
                self.offset = opened.header.base
            return True
        return False

    def _is_replaced(self, opened: _Open) -> bool:
        """Whether another file has the segment's name now: texts of a person were erased from it."""
        try:
            return opened.path.stat().st_ino != opened.inode
        except FileNotFoundError:  # what was deleted behind us is read to its end all the same
            return False

    def _read_file(self, max_bytes: int) -> list[Record]:
        if self._open is None:
            return []
        if self._is_replaced(self._open) and not self._enter(self._first()):
            return []
        start = self.offset - self._open.header.base + self._open.header_bytes
        buffer = os.pread(self._open.file, max(max_bytes, HEAD_BYTES), start)
        if wanted_bytes(buffer) > len(buffer) >= max(max_bytes, HEAD_BYTES):
            buffer = os.pread(self._open.file, wanted_bytes(buffer), start)
        origin = self.offset
        records = [Record(origin + begin, origin + end, payload) for begin, end, payload in scan(buffer)]
        if records:
            self.offset = records[-1].next_offset
        return records


def read_back(directory: Path, begin: int, end: int) -> Iterator[Record]:
    """The records before `end`, from the first segment on that holds or follows `begin`; what is gone is passed over.

    Frames are found from a segment's beginning only, so somewhat more than was asked for may come.
    """
    known = segments.listing(directory)
    bases = [segment.base for segment in known if segment.base <= begin] or [s.base for s in known[:1]]
    with Tail(directory, bases[-1] if bases else begin) as tail:
        while records := tail.read():
            for record in records:
                if record.next_offset > end:
                    return
                yield record


def _open_segment(segment: Segment) -> _Open:
    file = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _Open(file, segment.path, os.fstat(file).st_ino, *segments.read_header(file, segment.base))
    except BaseException:
        os.close(file)
        raise
