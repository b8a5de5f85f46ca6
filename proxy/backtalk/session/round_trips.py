"""Round trips that many share: what is asked while one is under way goes together with the next.

In: commands of many who wait. Out: each one's own replies. The one rule: one round trip at a time, so that a busy
moment costs a few large ones and not a connection and a timer for everybody; a failed one fails all that were in it.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

Command = tuple[str | bytes | int, ...]
"""One Redis command."""


class Connection(Protocol):
    """The Redis behind the look-ups (`session.lookup_connection`); every failure is an `OSError`."""

    async def send(self, commands: Sequence[Command]) -> list[object]:
        """Send commands in one round trip; returns their replies, an exception for each that Redis refused."""
        ...

    async def aclose(self) -> None:
        """Close what is open."""
        ...


MOST_COMMANDS: Final = 1_024
"""Commands of one round trip; what is more waits for the next."""


class _Asked(NamedTuple):
    commands: Sequence[Command]
    replies: "asyncio.Future[list[object]]"
    until_s: float
    """When it is too late, by the loop's clock."""


class RoundTrips:
    """Many askers on one connection; used on one event loop, where callers bound how many wait."""

    def __init__(self, connection: Connection, *, budget_s: float) -> None:
        self._connection = connection
        self._budget_s = budget_s
        self._asked: list[_Asked] = []
        self._running: asyncio.Task[None] | None = None

    async def send(self, commands: Sequence[Command]) -> list[object]:
        """Send commands in a round trip with others; raises an `OSError` where no replies come within the budget."""
        loop = asyncio.get_running_loop()
        asked = _Asked(commands, loop.create_future(), loop.time() + self._budget_s)
        self._asked.append(asked)
        if self._running is None:
            self._running = loop.create_task(self._run())
        return await asked.replies

    async def aclose(self) -> None:
        """Close the connection; whoever still waits is let go."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait((self._running,))
        await self._connection.aclose()

    async def _run(self) -> None:
        try:
            while self._asked:
                group = self._next()
                await self._go([asked for asked in group if not asked.replies.done()])
        finally:
            self._running = None
            for asked in self._asked:
                asked.replies.cancel()
            self._asked = []

    def _next(self) -> list[_Asked]:
        """Those of the next round trip, the oldest first."""
        group, count = list[_Asked](), 0
        for asked in self._asked:
            count += len(asked.commands)
            if group and count > MOST_COMMANDS:
                break
            group.append(asked)
        del self._asked[: len(group)]
        return group

    async def _go(self, group: Sequence[_Asked]) -> None:
        """One round trip, within the time of its oldest asker."""
        if not group:
            return
        commands = [command for asked in group for command in asked.commands]
        try:
            async with asyncio.timeout_at(group[0].until_s):
                replies = await self._connection.send(commands)
        except OSError as error:  # TimeoutError is one
            for asked in group:
                if not asked.replies.done():
                    asked.replies.set_exception(error)
            return
        except BaseException:
            for asked in group:
                asked.replies.cancel()
            raise
        at = 0
        for asked in group:
            end = at + len(asked.commands)
            _settle(asked.replies, replies[at:end])
            at = end


def _settle(waiting: "asyncio.Future[list[object]]", replies: list[object]) -> None:
    """Tell one who waits; what Redis refused of others is not his."""
    if waiting.done():
        return
    refusal = next((reply for reply in replies if isinstance(reply, Exception)), None)
    if refusal is None:
        waiting.set_result(replies)
    else:
        waiting.set_exception(ConnectionError(str(refusal)))
