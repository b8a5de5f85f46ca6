"""The journal: what the worker decided, once, in order; the same frames as the spool, written by one process.

In: encoded entries. Out: positions; readers tail the directory with a `Tail`. The one rule: a position is never used
twice. After a reboot the stream goes on behind a gap wider than anything that may have been read before it was synced.
"""

import os
import uuid
from itertools import pairwise
from pathlib import Path
from typing import Final, Self

from backtalk import clock
from backtalk.errors import SetupError, StoreError
from backtalk.process import take_lock
from backtalk.settings import JournalSettings
from backtalk.spool import segments
from backtalk.spool.files import make_directory, replace
from backtalk.spool.frame import MAX_PAYLOAD_BYTES, pack, scan
from backtalk.spool.rewriting import Change, rewrite
from backtalk.spool.segments import BadSegmentError, Segment
from backtalk.spool.tail import Record
from backtalk.spool.writer import BrokenError, FullError, Stream, Writer
from backtalk.telemetry import Metrics

LOCK: Final = "lock"
ID: Final = "id"
REBOOT_GAP_BYTES: Final = 2 * MAX_PAYLOAD_BYTES
_SEGMENTS_IN_LIMIT: Final = 4


class Journal:
    """The one writer of a journal; made by `open`, used by one thread."""

    def __init__(self, directory: Path, settings: JournalSettings, metrics: Metrics, lock: int) -> None:
        self.id = _identify(directory)
        self._directory = directory
        self._settings = settings
        self._metrics = metrics
        self._lock = lock
        self._last, end, begin, boot_id = _recover(directory)
        if begin and (not boot_id or boot_id != clock.boot_id()):
            begin += REBOOT_GAP_BYTES
        size = min(settings.segment_bytes, max(1, settings.limit_bytes // _SEGMENTS_IN_LIMIT))
        self._writer = Writer(Stream(directory, self.id, size), end=begin, continues=end)
        self._used_bytes = segments.used_bytes(directory)

    @classmethod
    def open(cls, directory: Path, settings: JournalSettings, *, metrics: Metrics) -> Self:
        """Lock the journal and go on behind its last entry."""
        try:
            make_directory(directory)
            lock = take_lock(directory / LOCK)
            if lock is None:
                raise SetupError(f"another worker writes the journal in {directory}", code="journal_in_use")
            return cls(directory, settings, metrics, lock)
        except OSError as error:
            raise SetupError(f"cannot use the journal in {directory}: {error.strerror}", code="bad_journal") from error

    @property
    def end(self) -> int:
        """The position behind the last entry."""
        return self._writer.end

    def append(self, payload: bytes) -> int:
        """Write an entry, durable on return, and give the position behind it; raises `StoreError` where it cannot."""
        frame = pack(payload)
        begin = self._writer.end
        try:
            whole = self._writer.append([frame])
            self._writer.sync()
        except FullError as error:
            raise StoreError(str(error), code="journal_full") from error
        except BrokenError as error:
            raise StoreError(str(error), code="journal_broken") from error
        if not whole:
            raise StoreError(f"no room under {self._directory}", code="journal_full")
        end = self._writer.end
        self._last = Record(begin, end, payload)
        self._used_bytes += len(frame)
        if self._used_bytes > self._settings.limit_bytes:
            self._shed()
        return end

    def last(self) -> Record | None:
        """The last entry, also after a restart; None where there has been none."""
        return self._last

    def trim(self, before_offset: int) -> None:
        """Delete the segments that lie wholly before a position; the last entry always stays."""
        keep_from = min(before_offset, self._last.offset if self._last else 0)
        known = segments.listing(self._directory)
        for segment, following in pairwise(known):
            if following.base > keep_from:
                break
            self._delete(segment)
        self._metrics.set("backtalk.journal.bytes", self._used_bytes)

    def rewrite(self, change: Change) -> int:
        """Change payloads in place, each to one of its own length; gives how many were. Raises `StoreError`."""
        try:
            self._writer.roll()
            self._writer.sync()
            count = sum(rewrite(segment, change) for segment in segments.listing(self._directory)[:-1])
        except (FullError, BrokenError, OSError) as error:
            raise StoreError(f"the journal cannot be rewritten: {error}", code="journal_not_rewritten") from error
        self._used_bytes = segments.used_bytes(self._directory)
        if self._last is not None and (changed := change(self._last.payload)) is not None:
            self._last = self._last._replace(payload=changed)
        return count

    def close(self) -> None:
        """Sync and let the journal go."""
        self._writer.close()
        os.close(self._lock)

    def _shed(self) -> None:
        """Make room by deleting the oldest segments; readers behind them skip, and know how many bytes."""
        self._used_bytes = segments.used_bytes(self._directory)
        for segment in segments.listing(self._directory)[:-1]:
            if self._used_bytes <= self._settings.limit_bytes:
                break
            self._metrics.add("backtalk.journal.shed", self._delete(segment))

    def _delete(self, segment: Segment) -> int:
        size = segment.path.stat().st_size
        segment.path.unlink()
        self._used_bytes -= size
        return size


def _identify(directory: Path) -> str:
    path = directory / ID
    if not path.exists():
        replace(path, f"{uuid.uuid4()}\n".encode("ascii"))
    return path.read_text(encoding="ascii").strip()


def _recover(directory: Path) -> tuple[Record | None, int, int, str]:
    """The last entry, the end behind it, where to go on, and the boot of the last segment.

    A torn tail is left where it lies: the stream goes on behind it, so that its positions are never used again.
    """
    end, begin, boot_id, newest = 0, 0, "", True
    for segment in reversed(segments.listing(directory)):
        with segment.path.open("rb") as file:
            try:
                header, header_bytes = segments.read_header(file.fileno(), segment.base)
            except BadSegmentError:
                header_bytes, header = 0, None
            file.seek(header_bytes)
            content = file.read()
        if newest:
            begin, boot_id, newest = segment.base + len(content), header.boot_id if header else "", False
        found = list(scan(content)) if header else []
        end = segment.base
        if found:
            first, end, payload = found[-1]
            return Record(segment.base + first, segment.base + end, payload), segment.base + end, begin, boot_id
    return None, end, begin, boot_id
