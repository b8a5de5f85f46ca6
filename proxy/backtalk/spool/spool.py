"""The spool: how a proxy process hands over what happened without waiting for a disk.

In: encoded frames. Out: a directory that this life of the process alone owns, found by the worker. `offer` is best
effort and never blocks; `put` returns when the frame is durable. A full or broken disk costs frames, counted, and
never an answer.
"""

import asyncio
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from backtalk import clock
from backtalk.errors import StoreError
from backtalk.model.frames import Heartbeat, encode
from backtalk.process import take_lock
from backtalk.settings import SpoolSettings
from backtalk.spool import segments
from backtalk.spool.commit import Committer
from backtalk.spool.files import make_directory
from backtalk.spool.frame import MAX_PAYLOAD_BYTES
from backtalk.spool.syncing import Waiting
from backtalk.spool.writer import Stream
from backtalk.telemetry import Metrics

LOCK: Final = "lock"
_SEGMENTS_IN_LIMIT: Final = 4
"""A segment is at most a quarter of the limit, so that consumed ones can go while one is being written."""


def heartbeat(dropped: int) -> bytes:
    """A frame that says: nothing happened up to now."""
    moment = clock.now()
    return encode(Heartbeat(moment.wall_ns, moment.boot_ns, dropped))


class Spool:
    """One life of a process's durable intake; made by `open`."""

    def __init__(self, owner: str, directory: Path, settings: SpoolSettings, committer: Committer) -> None:
        self.owner = owner
        self.directory = directory
        self._settings = settings
        self._committer = committer
        self._closed = self._waking = False

    @classmethod
    def open(
        cls, root: Path, settings: SpoolSettings, *, metrics: Metrics, heartbeat: Callable[[int], bytes] = heartbeat
    ) -> Self:
        """Make a directory of our own under `root` and start the writer; raises `StoreError` where that fails."""
        owner = f"{clock.now().wall_ns:016x}-{os.getpid()}-{secrets.token_hex(4)}"
        directory, lock = _own_directory(root, owner)
        stream = Stream(directory, owner, min(settings.segment_bytes, settings.limit_bytes // _SEGMENTS_IN_LIMIT))
        committer = Committer(stream, limit_bytes=settings.limit_bytes, heartbeat=heartbeat, metrics=metrics, lock=lock)
        committer.start()
        return cls(owner, directory, settings, committer)

    @property
    def dropped(self) -> int:
        """Frames that could not be written since the start."""
        return self._committer.dropped

    @property
    def refusal(self) -> StoreError | None:
        """Why frames are not taken now; None while they are."""
        return self._committer.refusal

    def offer(self, payload: bytes) -> bool:
        """Hand over a frame, to be durable within `flush_ms`; False, and counted, where there is no room for it."""
        committer = self._committer
        refusal = committer.refusal
        if refusal is None and self._admit(payload, None):
            return True
        committer.drop(refusal.code if refusal else "queue_full")
        return False

    async def put(self, payload: bytes) -> None:
        """Write a frame and return once it is durable; raises `StoreError` spool_full or spool_broken otherwise."""
        loop = asyncio.get_running_loop()
        settled = loop.create_future()
        if not self._admit(payload, settled):
            raise StoreError("the spool takes nothing more now; try again soon", code="spool_full")
        if not self._waking:
            self._waking = True
            loop.call_soon(self._wake)
        await settled

    def _wake(self) -> None:
        """Wake the writer once for all that was put in one turn of the loop: the wake costs more than the writing."""
        self._waking = False
        self._committer.wake.set()

    async def aclose(self) -> None:
        """Write what waits, sync, and let the directory go: the worker consumes and deletes it."""
        if self._closed:
            return
        self._closed = True
        with self._committer.guard:
            self._committer.closing = True
        self._committer.wake.set()
        await asyncio.to_thread(self._committer.join)
        os.close(self._committer.lock)

    def _admit(self, payload: bytes, settled: "asyncio.Future[None] | None") -> bool:
        committer = self._committer
        size = len(payload)
        if size > MAX_PAYLOAD_BYTES:
            return False
        with committer.guard:
            if committer.closing or committer.waiting_bytes + size > self._settings.queue_bytes:
                return False
            first = not committer.queue
            committer.queue.append(Waiting(payload, settled))
            committer.waiting_bytes += size
        if first and settled is None:
            self._arm()
        return True

    def _arm(self) -> None:
        """Wake the writer `flush_ms` from now; at once where no loop can keep the time."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._committer.wake.set()
        else:
            loop.call_later(self._settings.flush_ms / 1000, self._committer.wake.set)


def _own_directory(root: Path, owner: str) -> tuple[Path, int]:
    """Make and lock a directory before it gets its name: whoever sees it sees a living owner."""
    hidden = root / f".{owner}.new"
    try:
        make_directory(root)
        hidden.mkdir(mode=0o700)
        lock = take_lock(hidden / LOCK)
        hidden.rename(root / owner)
        segments.sync_directory(root)
    except OSError as error:
        shutil.rmtree(hidden, ignore_errors=True)
        raise StoreError(f"cannot make a spool under {root}: {error.strerror}", code="spool_broken") from error
    assert lock is not None  # noqa: S101 - nobody else knows the name
    return root / owner, lock
