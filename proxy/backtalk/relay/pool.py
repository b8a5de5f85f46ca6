"""Upstream connections that wait for their next call.

In: connections whose exchange is over. Out: the one used last, which is the likeliest to be alive. The one rule: what
waits is bounded in number and in time, and a connection that the upstream has closed is never handed out knowingly.
"""

import asyncio
from typing import Final

from backtalk.relay.connection import Connection

_SWEEP_S: Final = 1.0


class Pool:
    """Keeps up to `limit` idle connections for `keep_s` each."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, limit: int, keep_s: float) -> None:
        self._loop = loop
        self._limit = limit
        self._keep_s = keep_s
        self._idle: list[Connection] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def idle(self) -> int:
        """How many connections wait and are alive."""
        return sum(connection.usable for connection in self._idle)

    def take(self) -> Connection | None:
        """A connection that seems alive, if there is one."""
        oldest = self._loop.time() - self._keep_s
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and connection.idle_since >= oldest:
                return connection
            connection.close()
        return None

    def put(self, connection: Connection) -> None:
        """Keep a connection whose exchange is over, or close it."""
        if self._closed or not connection.reusable or len(self._idle) >= self._limit:
            connection.close()
            return
        connection.used = True
        connection.idle_since = self._loop.time()
        self._idle.append(connection)
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(self._keep_s + _SWEEP_S, self._sweep)

    def close(self) -> None:
        """Close what waits; connections that come back later are closed too."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def _sweep(self) -> None:
        oldest = self._loop.time() - self._keep_s
        kept = [c for c in self._idle if c.usable and c.idle_since >= oldest]
        for connection in self._idle:
            if connection.idle_since < oldest:
                connection.close()
        self._idle = kept
        self._sweeper = self._loop.call_later(self._keep_s + _SWEEP_S, self._sweep) if kept else None
