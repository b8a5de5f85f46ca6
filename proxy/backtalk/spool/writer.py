"""The writer: appends frames to the current segment, syncs, and rolls to the next; synchronous, one thread.

In: framed bytes. Out: bytes on disk. The one rule: a whole frame once written stays (a reader may have seen it); a
torn one is cut off at once. After a failed sync the file is never used again, since the kernel may have dropped pages
that it had not written.
"""

import contextlib
import errno
import os
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Final, NamedTuple

from backtalk import clock
from backtalk.spool import segments
from backtalk.spool.files import write_all

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_CREATE: Final = os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC


class FullError(Exception):
    """The disk has no room now; what was written before stands, and a later write may succeed."""


class BrokenError(Exception):
    """The disk failed; this writer takes nothing more."""


class Stream(NamedTuple):
    """What is written where: a directory of segments and the name its headers carry."""

    directory: Path
    owner: str
    segment_bytes: int


class Writer:
    """Appends to a stream from position `end`; `continues` is where the stream ended before."""

    def __init__(self, stream: Stream, *, end: int = 0, continues: int | None = None) -> None:
        self._stream = stream
        self._boot_id = clock.boot_id()
        self._file: int | None = None
        self._base = end
        self._header_bytes = 0
        self._continues = end if continues is None else continues
        self.end = end
        self.broken: str | None = None

    @property
    def segment_used_bytes(self) -> int:
        """How much of the current segment is filled."""
        return self.end - self._base if self._file is not None else 0

    def append(self, frames: Sequence[bytes]) -> int:
        """Write frames, not yet durable; returns how many are whole in the file, less than all where it is full."""
        self._check()
        if self._file is None or self.segment_used_bytes >= self._stream.segment_bytes:
            self.roll()
        file = self._file
        assert file is not None  # noqa: S101 - roll() sets it or raises
        try:
            write_all(file, b"".join(frames))
        except OSError as error:
            return self._cut(file, frames, error)
        self.end += sum(map(len, frames))
        return len(frames)

    def sync(self) -> None:
        """Make what was appended durable."""
        self._check()
        if self._file is not None:
            self._guard_sync(self._file)

    def roll(self) -> None:
        """Close the current segment, durable, and begin the next; raises `FullError` where there is no room for it."""
        self._check()
        self.sync()
        if self._file is not None:
            self._continues = self.end
        created, header_bytes = self._create()
        self._close_file()
        self._file, self._base, self._header_bytes = created, self.end, header_bytes

    def close(self) -> None:
        """Sync and close; the stream can be continued by another writer."""
        if self.broken is None:
            with contextlib.suppress(BrokenError):
                self.sync()
            self.broken = "the stream is closed"
        self._close_file()

    def _check(self) -> None:
        if self.broken is not None:
            raise BrokenError(self.broken)

    def _guard_sync(self, file: int) -> None:
        try:
            os.fdatasync(file) if hasattr(os, "fdatasync") else os.fsync(file)
        except OSError as error:
            self._break(error)

    def _break(self, error: OSError) -> None:
        self.broken = f"the disk under {self._stream.directory} failed: {error.strerror}"
        self._close_file()
        raise BrokenError(self.broken) from error

    def _cut(self, file: int, frames: Sequence[bytes], error: OSError) -> int:
        """Keep the whole frames that a failed write left, cut the torn one off."""
        try:
            written = os.fstat(file).st_size - self._header_bytes - (self.end - self._base)
            ends = [end for end in accumulate(map(len, frames)) if end <= written]
            kept = ends[-1] if ends else 0
            os.ftruncate(file, self._header_bytes + self.end - self._base + kept)
        except OSError as second:
            self._break(second)
            raise
        self.end += kept
        if error.errno not in _FULL:
            self._break(error)
        return len(ends)

    def _create(self) -> tuple[int, int]:
        directory = self._stream.directory
        final = directory / segments.name(self.end)
        temporary = directory / f".{final.name}.tmp"
        header = segments.encode_header(
            segments.Header(segments.FORMAT, self._boot_id, self._stream.owner, self.end, self._continues)
        )
        try:
            if reopened := _reopen_empty(final, self.end):
                return reopened
            file = os.open(temporary, _CREATE, 0o600)
        except OSError as error:
            raise self._refusal(error) from error
        try:
            write_all(file, header)
            os.fsync(file)
            temporary.rename(final)
            segments.sync_directory(directory)
        except OSError as error:
            os.close(file)
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise self._refusal(error) from error
        return file, len(header)

    def _refusal(self, error: OSError) -> Exception:
        if error.errno in _FULL or error.errno in {errno.EMFILE, errno.ENFILE}:
            return FullError(f"no room under {self._stream.directory}: {error.strerror}")
        self.broken = f"cannot write under {self._stream.directory}: {error.strerror}"
        return BrokenError(self.broken)

    def _close_file(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None


def _reopen_empty(path: Path, base: int) -> tuple[int, int] | None:
    """A segment that was begun and never written to is used; readers may be waiting in it. A damaged one is not."""
    try:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        _, header_bytes = segments.read_header(file, base)
    except segments.BadSegmentError:
        os.close(file)
        return None
    return file, header_bytes
