"""The way to Redis for those whom somebody waits for: opened when it is first needed, its library loaded in a thread.

In: a URL and a budget. Out: a connection that many share. The one rule: the library is loaded once, and goes on loading
when a waiter's time is up; so does the search for the servers of a cluster.
"""

import asyncio
import contextlib
import importlib
from collections.abc import Sequence
from typing import Protocol, cast

from backtalk.session.round_trips import Command, Connection, RoundTrips


class LoadingError(TimeoutError):
    """The library is not loaded yet: this says nothing of Redis."""


class _Opened(Connection, Protocol):
    async def open(self) -> None: ...


class _Door(Protocol):
    def connect(self, url: str, timeout_s: float) -> _Opened: ...


class Lookup:
    """One connection of one process."""

    def __init__(self, url: str, *, budget_s: float) -> None:
        self._url = url
        self._budget_s = budget_s
        self._trips: RoundTrips | None = None
        self._opening: asyncio.Task[RoundTrips] | None = None

    async def warm(self) -> None:
        """Load the library, in a thread, and look for the servers."""
        if self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())
        self._trips = await asyncio.shield(self._opening)

    async def send(self, commands: Sequence[Command]) -> list[object]:
        """The replies, from a round trip with others; raises an `OSError` where there are none within the budget."""
        if self._trips is None:
            await self._loaded()
        assert self._trips is not None  # noqa: S101 - loading sets it or raises
        return await self._trips.send(commands)

    async def aclose(self) -> None:
        """Close the connection."""
        if self._trips is not None:
            await self._trips.aclose()
        elif self._opening is not None:
            self._opening.cancel()

    async def _loaded(self) -> None:
        try:
            async with asyncio.timeout(self._budget_s):
                await self.warm()
        except TimeoutError as error:
            raise LoadingError("the Redis client is being loaded") from error

    async def _open(self) -> RoundTrips:
        module = await asyncio.to_thread(importlib.import_module, "backtalk.session.lookup_connection")
        connection = cast(_Door, module).connect(self._url, self._budget_s)
        with contextlib.suppress(OSError):  # the first use looks again
            await connection.open()
        return RoundTrips(connection, budget_s=self._budget_s)
