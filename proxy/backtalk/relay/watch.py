"""Watches over calls while they wait: time limits, and clients that leave or are still sending.

In: exchanges and the clients' events. Out: nothing, but an exchange fails or a waiting task is cancelled. The one rule:
a quick call costs an entry in a table; only one that takes longer than a blink gets a task that listens to its client.
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


class Watcher:
    """Looks after all calls of a process with two timers, neither of which runs while there is nothing to do."""

    def __init__(self, limits: RelaySettings) -> None:
        self.loop = asyncio.get_running_loop()
        self.limits = limits
        self.tasks = TaskGroup()
        self._check_s = min(1.0, limits.idle_timeout_s / 4, limits.total_timeout_s / 4)
        self._new: dict[Watch, None] = {}
        self._seen: dict[Watch, None] = {}
        self._blink: asyncio.TimerHandle | None = None
        self._check: asyncio.TimerHandle | None = None

    def start(self, receive: Receive, *, size: int, uploading: bool) -> "Watch":
        """Look after the current task's call from now on."""
        watch = Watch(self, receive, size=size, uploading=uploading)
        self._new[watch] = None
        if self._blink is None:
            self._blink = self.loop.call_later(_BLINK_S, self._blinked)
        return watch

    def forget(self, watch: "Watch") -> None:
        """The call is over."""
        if self._new.pop(watch, self) is self:
            self._seen.pop(watch, None)

    async def aclose(self) -> None:
        """Stop looking."""
        for timer in (self._blink, self._check):
            if timer is not None:
                timer.cancel()
        await self.tasks.aclose()

    def _blinked(self) -> None:
        """Listen to the clients of calls that are older than a blink."""
        before = self.loop.time() - _BLINK_S / 2
        for watch in [w for w in self._new if w.began <= before]:
            del self._new[watch]
            self._seen[watch] = None
            watch.listen()
        self._blink = self.loop.call_later(_BLINK_S, self._blinked) if self._new else None
        if self._seen and self._check is None:
            self._check = self.loop.call_later(self._check_s, self._checked)

    def _checked(self) -> None:
        """Fail the calls that are over a limit."""
        now = self.loop.time()
        for watch in tuple(self._seen):
            watch.check(now)
        self._check = self.loop.call_later(self._check_s, self._checked) if self._seen else None


class Watch:
    """One call under watch; `error` is why it was ended from here, if it was."""

    __slots__ = ("_exchange", "_listener", "_receive", "_sent", "_size", "_task", "_watcher", "began", "error")

    def __init__(self, watcher: Watcher, receive: Receive, *, size: int, uploading: bool) -> None:
        self._watcher = watcher
        self._receive = receive
        self._size = size
        self._sent = not uploading
        self._task = asyncio.current_task(watcher.loop)
        self._exchange: UpstreamExchange | None = None
        self._listener: asyncio.Task[Any] | None = None
        self.began = watcher.loop.time()
        self.error: Exception | None = None

    def attach(self, exchange: UpstreamExchange) -> None:
        """The exchange has started; an upload goes on beside it."""
        self._exchange = exchange
        if not self._sent:
            self.listen()

    def stop(self) -> None:
        """The call is over."""
        self._watcher.forget(self)
        if self._listener is not None:
            self._listener.cancel()

    def listen(self) -> None:
        """Listen to the client, unless its body is still to be sent on over a connection that is not there yet."""
        if self._listener is None and (self._sent or self._exchange is not None):
            self._listener = self._watcher.tasks.spawn(self._listening(), name="client-watch")

    def check(self, now: float) -> None:
        """Fail the call if it is over a limit."""
        limits = self._watcher.limits
        since = self._exchange.silent_since if self._exchange is not None else None
        if now - self.began >= limits.total_timeout_s:
            self._fail(failures.total_timeout(limits.total_timeout_s))
        elif since is not None and now - since >= limits.idle_timeout_s:
            self._fail(failures.idle_timeout(limits.idle_timeout_s))

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
        limit_bytes = self._watcher.limits.body_limit_bytes
        self._size += len(piece)
        if self._size > limit_bytes:
            raise failures.body_too_large(limit_bytes)
        if self._exchange is not None and not self._sent:
            self._sent = not more
            await self._exchange.write(piece, more=more)

    def _fail(self, error: Exception) -> None:
        """End the call: through its exchange, or where its task waits for something else by cancelling it."""
        if self.error is not None:
            return
        self.error = error
        waits_for_upstream = False
        if self._exchange is not None:
            waits_for_upstream = self._exchange.silent_since is not None
            self._exchange.fail(error)
        if not waits_for_upstream and self._task is not None:
            self._task.cancel()
