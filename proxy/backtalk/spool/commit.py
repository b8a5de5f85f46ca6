"""The thread that commits: takes everything that waits and writes it as one group, which another thread then syncs.

In: payloads in a queue. Out: frames in a file, where a kill of the process cannot reach them any more. The one rule: it
never waits for a sync. With nothing to do it writes a heartbeat every 250 ms, which is not synced.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from backtalk import clock
from backtalk.errors import StoreError
from backtalk.spool import segments
from backtalk.spool.frame import pack
from backtalk.spool.syncing import Syncer, Waiting, settle
from backtalk.spool.writer import BrokenError, FullError, Stream, Writer
from backtalk.telemetry import Metrics

CUT: Final = ".cut"
"""A file beside the spools; when it is touched, every process begins a new segment, so that the old ones can go."""
HEARTBEAT_S: Final = 0.25
SEGMENT_AGE_NS: Final = 60 * clock.NS_PER_S
"""A segment is closed at this age, so that raw bodies do not stay on a quiet disk after their consumption."""
_LOOK_NS: Final = 200 * clock.NS_PER_MS
_RESERVED_SHARE: Final = 16
"""One sixteenth of the limit is kept for what is to be acknowledged: calls are dropped before feedback is refused."""


class Committer(threading.Thread):
    """Owns the writer from `start` on; everything else talks to it through the queue and `wake`."""

    def __init__(
        self, stream: Stream, *, limit_bytes: int, heartbeat: Callable[[int], bytes], metrics: Metrics, lock: int
    ) -> None:
        super().__init__(name="spool", daemon=True)
        self.queue: deque[Waiting] = deque()
        self.waiting_bytes = 0
        """What was admitted and is not synced yet."""
        self.guard = threading.Lock()
        self.wake = threading.Event()
        self.closing = False
        self.dropped = 0
        self.refusal: StoreError | None = None
        """Why best-effort frames are not taken now; looked at again with each heartbeat."""
        self.lock = lock
        self._writer = Writer(stream)
        self._syncer = Syncer(self._writer, done=self._synced, metrics=metrics)
        self._directory = stream.directory
        self._limit_bytes = limit_bytes
        self._heartbeat = heartbeat
        self._metrics = metrics
        self._used_bytes = 0
        self._rolled_ns = clock.monotonic_ns()
        self._looked_ns = 0
        self._cut_ns: int = touched_ns(stream.directory.parent / CUT)

    def run(self) -> None:
        """Commit until told to close; the heartbeat at the start tells the worker that this process lives."""
        self._syncer.start()
        try:
            self._beat()
            while not self.closing:
                called = self.wake.wait(HEARTBEAT_S)
                self.wake.clear()
                if not called and not self.queue:
                    self._beat()
                self._commit()
            self._commit()
        finally:
            self._end()

    def drop(self, reason: str, count: int = 1) -> None:
        """Count frames that were not written."""
        with self.guard:
            self.dropped += count
        self._metrics.add("backtalk.spool.dropped", count, reason=reason)

    def _end(self) -> None:
        """Take nothing more; whatever ended this thread, nobody waits for a sync that will not come."""
        with self.guard:
            self.closing = True
        if group := self._take():
            self._refuse(group, StoreError("the spool is closed", code="spool_broken"))
        self._syncer.close()
        self._writer.close()

    def _take(self) -> list[Waiting]:
        with self.guard:
            group = list(self.queue)
            self.queue.clear()
        return group

    def _commit(self) -> None:
        group = self._take()
        if not group:
            return
        durable = [w for w in group if w.settled is not None]
        self._age()
        if self._over(reserved=not durable):
            self._refuse(group, StoreError("the spool is full", code="spool_full"))
            return
        try:
            kept = self._write([pack(w.payload) for w in group])
        except FullError:
            self._refuse(group, StoreError("the disk under the spool is full", code="spool_full"))
        except BrokenError as error:
            self._refuse(group, StoreError(str(error), code="spool_broken"))
        else:
            self._syncer.add(group[:kept])
            if kept < len(group):
                self._refuse(group[kept:], StoreError("the disk under the spool is full", code="spool_full"))

    def _write(self, frames: Sequence[bytes]) -> int:
        kept = self._writer.append(frames)
        self._used_bytes += sum(map(len, frames[:kept]))
        return kept

    def _over(self, *, reserved: bool) -> bool:
        """Whether the limit is reached; what the worker has deleted is asked only then."""
        limit = self._limit_bytes - (self._limit_bytes // _RESERVED_SHARE if reserved else 0)
        if self._used_bytes < limit:
            return False
        with contextlib.suppress(OSError):  # what cannot be asked now is as full as it was
            self._used_bytes = segments.used_bytes(self._directory)
        return self._used_bytes >= limit

    def _age(self) -> None:
        """Roll an old segment, so that it can be deleted once consumed."""
        now = clock.monotonic_ns()
        if now - self._looked_ns < _LOOK_NS:
            return
        self._looked_ns = now
        cut_ns = touched_ns(self._directory.parent / CUT)
        if (now - self._rolled_ns < SEGMENT_AGE_NS and cut_ns == self._cut_ns) or not self._writer.segment_used_bytes:
            return
        self._rolled_ns, self._cut_ns = now, cut_ns
        try:
            self._writer.roll()
        except (FullError, BrokenError):
            return
        self._syncer.add(())

    def _beat(self) -> None:
        """Say that nothing happened up to now, and find out whether the disk takes frames again."""
        self._age()
        try:
            room = not self._over(reserved=True) and self._write([pack(self._heartbeat(self.dropped))])
            self.refusal = None if room else StoreError("the spool is full", code="spool_full")
        except FullError:
            self.refusal = StoreError("the disk under the spool is full", code="spool_full")
        except BrokenError as error:
            self.refusal = StoreError(str(error), code="spool_broken")
        self._metrics.set("backtalk.spool.bytes", self._used_bytes)

    def _refuse(self, group: Sequence[Waiting], error: StoreError) -> None:
        self.refusal = error
        if count := sum(w.settled is None for w in group):
            self.drop(error.code, count)
        self._let_go(group)
        settle(group, error)

    def _synced(self, group: Sequence[Waiting], error: StoreError | None) -> None:
        """Hear from the other thread that a group is durable, or that the disk failed."""
        if error is not None:
            self._refuse(group, error)
            return
        self._let_go(group)
        settle(group, None)

    def _let_go(self, group: Sequence[Waiting]) -> None:
        size = sum(len(w.payload) for w in group)
        with self.guard:
            self.waiting_bytes -= size


def touched_ns(cut: Path) -> int:
    """When new segments were asked for; 0 for never."""
    try:
        return cut.stat().st_mtime_ns
    except OSError:
        return 0
