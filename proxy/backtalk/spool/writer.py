"""The writer: appends frames to the current segment, rolls to the next, and syncs.

In: framed bytes. Out: bytes on disk. The one rule: a whole frame once written stays (a reader may have seen it); a
torn one is cut off at once. After a failed sync the file is never used again, since the kernel may have dropped pages
that it had not written.

One thread appends and rolls, and never waits for the disk; the same or one other syncs. Nothing is closed but by the
one that syncs, so that it never syncs a number that meanwhile names another file.
"""

import contextlib
import errno
import os
import threading
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

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
        self._guard = threading.Lock()
        self._retired: list[int] = []
        self._directories: list[int] = []
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
        """Make durable what was appended before this call, and close the segments that are left behind."""
        self._check()
        with self._guard:
            file, retired, directories = self._file, self._retired, self._directories
            self._retired, self._directories = [], []
        try:
            for written in (*retired, *([] if file is None else [file])):
                os.fdatasync(written) if hasattr(os, "fdatasync") else os.fsync(written)
            for directory in directories:
                os.fsync(directory)  # a new name is no data: fdatasync would pass it over
        except OSError as error:
            self._break(error)
        finally:
            _close_all([*retired, *directories])

    def roll(self) -> None:
        """Begin the next segment; raises `FullError` where there is no room for it."""
        self._check()
        if self._file is not None:
            self._continues = self.end
        created, header_bytes, directory = self._create()
        with self._guard:
            if self._file is not None:
                self._retired.append(self._file)
            self._directories.append(directory)
            self._file = created
        self._base, self._header_bytes = self.end, header_bytes

    def close(self) -> None:
        """Sync and close, where nobody syncs any more; the stream can be continued by another writer."""
        if self.broken is None:
            with contextlib.suppress(BrokenError):
                self.sync()
            self.broken = "the stream is closed"
        _close_all([*self._retired, *self._directories, *([] if self._file is None else [self._file])])
        self._file, self._retired, self._directories = None, [], []

    def _check(self) -> None:
        if self.broken is not None:
            raise BrokenError(self.broken)

    def _break(self, error: OSError) -> NoReturn:
        self.broken = f"the disk under {self._stream.directory} failed: {error.strerror}"
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
        self.end += kept
        if error.errno not in _FULL:
            self._break(error)
        return len(ends)

    def _create(self) -> tuple[int, int, int]:
        """The next segment's file, the size of its header, and the directory that is to be synced for its name."""
        directory = self._stream.directory
        final = directory / segments.name(self.end)
        temporary = directory / f".{final.name}.tmp"
        opened: list[int] = []
        try:
            opened.append(os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            if reopened := _reopen_empty(final, self.end):
                return *reopened, opened[0]
            header = self._header()
            opened.append(os.open(temporary, _CREATE, 0o600))
            write_all(opened[1], header)
            temporary.rename(final)
        except OSError as error:
            _close_all(opened)
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise self._refusal(error) from error
        return opened[1], len(header), opened[0]

    def _header(self) -> bytes:
        stream = self._stream
        return segments.encode_header(
            segments.Header(segments.FORMAT, self._boot_id, stream.owner, self.end, self._continues)
        )

    def _refusal(self, error: OSError) -> Exception:
        if error.errno in _FULL or error.errno in {errno.EMFILE, errno.ENFILE}:
            return FullError(f"no room under {self._stream.directory}: {error.strerror}")
        self.broken = f"cannot write under {self._stream.directory}: {error.strerror}"
        return BrokenError(self.broken)


def _close_all(files: Sequence[int]) -> None:
    for file in files:
        with contextlib.suppress(OSError):
            os.close(file)


def _reopen_empty(path: Path, base: int) -> tuple[int, int] | None:
    """A segment that was begun and never written to is used; readers may be waiting in it.

    A damaged one is not: its name may be on disk before its first bytes, and nothing in it was ever acknowledged.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return file, segments.read_header(file, base)[1]
    except segments.BadSegmentError:
        os.close(file)
        return None
