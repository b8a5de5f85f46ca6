"""One owner's spool as the worker sees it: frames read ahead, calls still open, what may be deleted.

In: records of one directory, in the order they were written. Out: frames with their place in the merge. The one rule:
nothing is deleted that a restart would need to know an open call.
"""

import contextlib
import shutil
from collections import deque
from collections.abc import Collection, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from backtalk import clock
from backtalk.model.frames import AnyFrame, Closed, Opened, Part, Requested, decode
from backtalk.process import is_locked
from backtalk.spool import checkpoint, segments
from backtalk.spool.tail import Tail

LOCK: Final = "lock"
LIVENESS_NS: Final = 100 * clock.NS_PER_MS


class Moment(NamedTuple):
    """A frame's place in the merge: earlier boots first by wall time, then this boot by boot time."""

    generation: int
    time_ns: int


class Ahead(NamedTuple):
    """A frame that was read and not handed out yet."""

    moment: Moment
    offset: int
    next_offset: int
    frame: AnyFrame
    read_ns: int


class Span(NamedTuple):
    """Where the frames of a call lie, and where its end does, if it was read."""

    offsets: tuple[int, ...]
    closed_at: int | None = None


class Owner:
    """Reads one directory from `consumed` on."""

    def __init__(
        self, directory: Path, checkpoint_path: Path, consumed: int, *, carry_bytes: int = checkpoint.LIMIT_BYTES
    ) -> None:
        self.name = directory.name
        self.ahead: deque[Ahead] = deque()
        self.seen = Moment(1, 0)
        self.live = True
        self.taken = consumed
        """The position behind the last frame handed out."""
        self.undecodable = 0
        self._directory = directory
        self._checkpoint_path = checkpoint_path
        self._carry_bytes = carry_bytes
        self._carried = checkpoint.load(checkpoint_path)
        self._spans: dict[str, Span] = {}
        self._generation: int | None = None
        self._asked_ns = 0
        self._final = False
        self.reopened = self._reopen(consumed)
        self.tail = Tail(directory, consumed)

    @property
    def finished(self) -> bool:
        """Whether its process is gone and everything it wrote was handed out."""
        return self._final and not self.ahead

    def refresh(self, now_ns: int) -> None:
        """Look whether the process lives, now and then, and read on where nothing is waiting."""
        if self.live and now_ns - self._asked_ns >= LIVENESS_NS and not self.ahead:
            self._asked_ns = now_ns
            self.live = is_locked(self._directory / LOCK)
        if not self.ahead and not self._final:
            dead_before_reading = not self.live
            while not self.ahead:  # what is read may be nothing but frames that are not understood
                if not self._read(now_ns):
                    self._final = dead_before_reading
                    return

    def hand_out(self) -> Ahead:
        """The next frame; from here on its call counts as open or closed."""
        ahead = self.ahead.popleft()
        self.taken = ahead.next_offset
        self._note(ahead.frame, ahead.offset)
        return ahead

    def release(self, consumed: int, open_spans: Collection[str]) -> bool:
        """Delete what a restart at `consumed` would not need; True where the whole owner is gone."""
        if self.finished and consumed >= self.taken and not open_spans:
            self.delete()
            return True
        self._forget_closed(consumed)
        going = self._deletable(consumed)
        if going:
            self._carry(consumed, open_spans, before=going[-1].end)
            for segment in going:
                segment.path.unlink(missing_ok=True)
            segments.sync_directory(self._directory)
        return False

    def delete(self) -> None:
        """Remove the directory and its checkpoint."""
        self.tail.close()
        shutil.rmtree(self._directory, ignore_errors=True)
        # A directory that a power loss brought back would be read again once the journal has forgotten its owner.
        segments.sync_directory(self._directory.parent)
        self._checkpoint_path.unlink(missing_ok=True)

    def _read(self, now_ns: int) -> bool:
        """Read on; False where there is nothing more."""
        records = self.tail.read()
        for record in records:
            try:
                frame = decode(record.payload)
            except msgspec.MsgspecError:
                self.undecodable += 1
                continue
            self.seen = max(self.seen, self._moment(frame)) if self.seen.time_ns else self._moment(frame)
            self.ahead.append(Ahead(self.seen, record.offset, record.next_offset, frame, now_ns))
        return bool(records)

    def _moment(self, frame: AnyFrame) -> Moment:
        if self._generation is None:
            self._generation = int(segments.boot_id_of(self._directory) == clock.boot_id())
        return Moment(self._generation, frame.boot_ns if self._generation else frame.wall_ns)

    def _note(self, frame: AnyFrame, offset: int) -> None:
        if isinstance(frame, Opened | Requested | Part):
            span = self._spans.get(frame.span_id, Span(()))
            if offset not in span.offsets:
                self._spans[frame.span_id] = span._replace(offsets=(*span.offsets, offset))
        elif isinstance(frame, Closed) and frame.span_id in self._spans:
            self._spans[frame.span_id] = self._spans[frame.span_id]._replace(closed_at=offset)

    def _forget_closed(self, consumed: int) -> None:
        gone = [name for name, span in self._spans.items() if span.closed_at is not None and span.closed_at < consumed]
        for name in gone:
            del self._spans[name]

    def _reopen(self, consumed: int) -> list[AnyFrame]:
        """Read again, up to `consumed`, which calls were open there."""
        frames: dict[int, AnyFrame] = {}
        for offset, frame in self._before(consumed):
            self._note(frame, offset)
            if isinstance(frame, Opened | Requested | Part):
                frames[offset] = frame
            elif isinstance(frame, Closed) and (span := self._spans.pop(frame.span_id, None)):
                for known in span.offsets:
                    frames.pop(known, None)
        return [frames[offset] for offset in sorted(frames)]

    def _before(self, consumed: int) -> Iterator[tuple[int, AnyFrame]]:
        for offset, payload in self._encoded_before(consumed):
            with contextlib.suppress(msgspec.MsgspecError):  # counted where it was read the first time
                yield offset, decode(payload)

    def _encoded_before(self, consumed: int) -> Iterator[tuple[int, bytes]]:
        if not consumed:
            return
        yield from self._carried.frames.items()
        with Tail(self._directory) as tail:
            while records := tail.read():
                for record in records:
                    if record.next_offset > consumed:
                        return
                    yield record.offset, record.payload

    def _deletable(self, consumed: int) -> list["_Going"]:
        known = segments.listing(self._directory)
        return [
            _Going(segment.path, following.base) for segment, following in pairwise(known) if following.base <= consumed
        ]

    def _carry(self, consumed: int, open_spans: Collection[str], *, before: int) -> None:
        """Write down the frames of open calls that lie in what is about to be deleted."""
        wanted = {
            offset
            for name, span in self._spans.items()
            if name in open_spans
            for offset in span.offsets
            if offset < min(before, consumed)
        }
        frames = {offset: payload for offset, payload in self._carried.frames.items() if offset in wanted}
        for offset in sorted(wanted - frames.keys()):
            with Tail(self._directory, offset) as tail:
                if (records := tail.read(1)) and records[0].offset == offset:
                    frames[offset] = records[0].payload
        if frames or self._carried.frames:
            self._carried = checkpoint.save(
                self._checkpoint_path, checkpoint.Carried(consumed, frames), limit_bytes=self._carry_bytes
            )


class _Going(NamedTuple):
    """A segment to be deleted and where it ends."""

    path: Path
    end: int
