"""The way to Redis for those whom somebody waits for: opened when it is first needed, its library loaded in a thread.

In: a URL and a budget. Out: a connection. The one rule: the library is loaded once, and goes on loading when a waiter's
time is up.
"""

import asyncio
import importlib
from collections.abc import Sequence
from typing import Protocol, cast

Command = tuple[str | bytes | int, ...]
"""One Redis command."""


class Connection(Protocol):
    """The Redis behind the look-ups (`session.lookup_connection`); every failure is an `OSError`."""

    async def send(self, commands: Sequence[Command]) -> list[object]:
        """Send commands in one round trip; returns their replies."""
        ...

    async def aclose(self) -> None:
        """Close what is open."""
        ...


class _Door(Protocol):
    def connect(self, url: str, timeout_s: float) -> Connection: ...


class Lookup:
    """One connection of one process."""

    def __init__(self, url: str, *, budget_s: float) -> None:
        self._url = url
        self._budget_s = budget_s
        self._opening: asyncio.Task[Connection] | None = None

    @property
    def ready(self) -> bool:
        """Whether the library is loaded, or could not be."""
        return self._opening is not None and self._opening.done()

    async def connection(self) -> Connection:
        """The connection, once it can be used."""
        if self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())
        return await asyncio.shield(self._opening)

    async def aclose(self) -> None:
        """Close the connection."""
        opening = self._opening
        if opening is not None and opening.done() and not opening.cancelled() and opening.exception() is None:
            await opening.result().aclose()
        elif opening is not None:
            opening.cancel()

    async def _open(self) -> Connection:
        module = await asyncio.to_thread(importlib.import_module, "backtalk.session.lookup_connection")
        return cast(_Door, module).connect(self._url, self._budget_s)
