"""Closes connections on which nothing happens, and those whose request does not get past its head.

In: when a connection last had nothing to do, and what came of a head since. Out: a close. The one rule: one timer a
connection, not a request: it is not moved while requests come, it only looks when it fires.
"""

import asyncio
from collections.abc import Callable
from typing import Final

HEAD_S: Final = 10.0
"""So long may a head take that had begun when the connection's time was over."""


def close(transport: asyncio.Transport) -> None:
    """Close; at once where the client has not even taken what was said, which would be waited for."""
    transport.abort() if transport.get_write_buffer_size() else transport.close()


class Stall:
    """Ends a connection whose client takes nothing of what is written, for as long as it might be idle."""

    __slots__ = ("_abort", "_keep_s", "_loop", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, keep_s: float, abort: Callable[[], None]) -> None:
        self._loop = loop
        self._keep_s = keep_s
        self._abort = abort
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """The client takes nothing from now on."""
        if self._timer is None:
            self._timer = self._loop.call_later(self._keep_s, self._abort)

    def end(self) -> None:
        """The client takes something, or is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Idle:
    """The timers of one connection. `head_of` gives what is unfinished of a head, None where there is none."""

    __slots__ = ("_close", "_head", "_head_of", "_head_s", "_keep_s", "_loop", "_since", "_timer", "stall")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        keep_s: float,
        head_of: Callable[[], object | None],
        close: Callable[[], None],
        *,
        abort: Callable[[], None] | None = None,
        head_s: float = HEAD_S,
    ) -> None:
        self.stall = Stall(loop, keep_s, abort or close)
        self._loop = loop
        self._keep_s = keep_s
        self._head_of = head_of
        self._close = close
        self._head_s = head_s
        self._since: float | None = None
        self._head: object | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """The connection has nothing to do from now on."""
        self._since = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._keep_s, self._look)

    def end(self) -> None:
        """The connection has something to do."""
        self._since = None

    def stop(self) -> None:
        """The connection is gone."""
        self.stall.end()
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = None
        if self._since is None:
            return
        left_s = self._since + self._keep_s - self._loop.time()
        head = self._head_of()
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._look)
        elif head is not None and head is not self._head:
            self._head = head
            self._timer = self._loop.call_later(self._head_s, self._look)
        else:
            self._close()
