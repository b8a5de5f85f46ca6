"""Watches over one call while it waits: time limits, and a client that leaves or is still sending.

In: the exchange and the client's events. Out: nothing, but the exchange fails or the waiting task is cancelled. The one
rule: a call that is quick costs one timer and no task; only one that takes longer than a blink gets its watcher.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from backtalk.errors import BacktalkError
from backtalk.relay import failures
from backtalk.relay.upstream import UpstreamExchange
from backtalk.settings import RelaySettings
from backtalk.tasks import TaskGroup

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
"""How the client's events come."""

_BLINK_S: Final = 0.02
_CHECK_S: Final = 15.0


class Watch:
    """Created when a call is sent on, stopped when it is over."""

    __slots__ = (
        "_began",
        "_exchange",
        "_handle",
        "_limits",
        "_listener",
        "_loop",
        "_receive",
        "_sent",
        "_size",
        "_task",
        "_tasks",
        "error",
    )

    def __init__(
        self, receive: Receive, limits: RelaySettings, tasks: TaskGroup, size: int, *, uploading: bool
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        self._limits = limits
        self._tasks = tasks
        self._size = size
        self._sent = not uploading
        self._task = asyncio.current_task()
        self._exchange: UpstreamExchange | None = None
        self._listener: asyncio.Task[Any] | None = None
        self._began = self._loop.time()
        self.error: Exception | None = None
        self._handle = self._loop.call_later(_BLINK_S, self._blink)

    def attach(self, exchange: UpstreamExchange) -> None:
        """The exchange has started; an upload starts with it."""
        self._exchange = exchange
        if not self._sent:
            self._listen()

    def stop(self) -> None:
        """The call is over."""
        self._handle.cancel()
        if self._listener is not None:
            self._listener.cancel()

    def _blink(self) -> None:
        if self._sent:
            self._listen()
        self._check()

    def _check(self) -> None:
        """Fail what is over its limit, else look again when the next limit may pass."""
        now, limits = self._loop.time(), self._limits
        left_s = self._began + limits.total_timeout_s - now
        if left_s <= 0:
            self._fail(failures.total_timeout(limits.total_timeout_s))
            return
        since = self._exchange.silent_since if self._exchange is not None else None
        idle_left_s = limits.idle_timeout_s if since is None else since + limits.idle_timeout_s - now
        if idle_left_s <= 0:
            self._fail(failures.idle_timeout(limits.idle_timeout_s))
            return
        self._handle = self._loop.call_later(min(left_s, idle_left_s, _CHECK_S), self._check)

    def _listen(self) -> None:
        if self._listener is None:
            self._listener = self._tasks.spawn(self._listening(), name="client-watch")

    async def _listening(self) -> None:
        """Pass the rest of the body on, then wait for the client to leave."""
        try:
            while True:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    self._fail(failures.ClientGoneError())
                    return
                await self._upload(message.get("body", b""), more=message.get("more_body", False))
        except BacktalkError as error:
            self._fail(error)

    async def _upload(self, piece: bytes, *, more: bool) -> None:
        self._size += len(piece)
        if self._size > self._limits.body_limit_bytes:
            raise failures.body_too_large(self._limits.body_limit_bytes)
        if self._exchange is not None and not self._sent:
            self._sent = not more
            await self._exchange.write(piece, more=more)

    def _fail(self, error: Exception) -> None:
        """End the call: through its exchange, or where its task waits for something else by cancelling it."""
        self.error = error
        waits_for_upstream = False
        if self._exchange is not None:
            waits_for_upstream = self._exchange.silent_since is not None
            self._exchange.fail(error)
        if not waits_for_upstream and self._task is not None:
            self._task.cancel()
