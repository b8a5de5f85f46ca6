"""The thread that syncs: makes durable what the committer has written, and says so.

In: groups that are written. Out: settled futures. The one rule: a future is settled only after a sync that began behind
the writing of its frame. It is a thread of its own because a sync takes as long as the disk likes, and what is not yet
written dies with the process, while what is written survives it.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from backtalk.errors import StoreError
from backtalk.spool.writer import BrokenError, Writer
from backtalk.telemetry import Metrics


class Waiting(NamedTuple):
    """A payload in the queue; with a future where somebody waits for its sync."""

    payload: bytes
    settled: "asyncio.Future[None] | None" = None


class Syncer(threading.Thread):
    """Syncs a writer from `start` on, as often as the disk allows; `done` hears of each group how it went."""

    def __init__(
        self, writer: Writer, *, done: Callable[[Sequence[Waiting], StoreError | None], None], metrics: Metrics
    ) -> None:
        super().__init__(name="spool-sync", daemon=True)
        self._writer = writer
        self._done = done
        self._metrics = metrics
        self._guard = threading.Lock()
        self._written: list[Waiting] = []
        self._wake = threading.Event()
        self._closing = False

    def add(self, group: Sequence[Waiting]) -> None:
        """Have a group synced that is written."""
        with self._guard:
            self._written.extend(group)
        self._wake.set()

    def close(self) -> None:
        """Sync what was added, and end."""
        self._closing = True
        self._wake.set()
        self.join()

    def run(self) -> None:
        """Sync until told to close; what was added before that is synced too."""
        closing = False
        while not closing:
            self._wake.wait()
            self._wake.clear()
            closing = self._closing
            with self._guard:
                group, self._written = self._written, []
            self._sync(group)

    def _sync(self, group: Sequence[Waiting]) -> None:
        """Sync once; whatever ends this thread, the group hears of it and the writer takes nothing more."""
        said: StoreError | None = StoreError("the spool is not synced any more", code="spool_broken")
        try:
            self._writer.sync()
            self._metrics.add("backtalk.spool.syncs")
            said = None
        except BrokenError as error:
            said = StoreError(str(error), code="spool_broken")
        finally:
            if said is not None:
                self._writer.broken = self._writer.broken or said.message
            self._done(group, said)


def settle(group: Sequence[Waiting], error: StoreError | None) -> None:
    """Tell each waiting loop once."""
    futures = [w.settled for w in group if w.settled is not None]
    for loop in {future.get_loop() for future in futures}:
        mine = [future for future in futures if future.get_loop() is loop]
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_settle_all, mine, error)


def _settle_all(futures: Sequence["asyncio.Future[None]"], error: StoreError | None) -> None:
    for future in futures:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
