"""Watches over calls while they run: time limits, clients that leave, bodies that are still being sent.

In: exchanges and their clients. Out: nothing, but an exchange fails or a waiting task is cancelled. The one rule: a
quick call costs an entry in a table; only an upload gets a task of its own.
"""

import asyncio
from typing import Any

from backtalk.errors import BacktalkError
from backtalk.model.exchange import ClientExchange, ClientGoneError
from backtalk.relay import failures
from backtalk.relay.upstream import UpstreamExchange
from backtalk.settings import RelaySettings
from backtalk.tasks import TaskGroup


class Watcher:
    """Looks after all calls of a process with one timer, which does not run while there is nothing to do."""

    def __init__(self, limits: RelaySettings) -> None:
        self.loop = asyncio.get_running_loop()
        self.limits = limits
        self.tasks = TaskGroup()
        self._check_s = min(1.0, limits.idle_timeout_s / 4, limits.total_timeout_s / 4)
        self._watches: dict[Watch, None] = {}
        self._check: asyncio.TimerHandle | None = None

    def start(self, client: ClientExchange, *, size: int, uploading: bool) -> "Watch":
        """Look after the current task's call from now on."""
        watch = Watch(self, client, size=size, uploading=uploading)
        self._watches[watch] = None
        if self._check is None:
            self._check = self.loop.call_later(self._check_s, self._checked)
        return watch

    def forget(self, watch: "Watch") -> None:
        """The call is over."""
        self._watches.pop(watch, None)

    async def aclose(self) -> None:
        """Stop looking."""
        if self._check is not None:
            self._check.cancel()
        await self.tasks.aclose()

    def _checked(self) -> None:
        """Fail the calls that are over a limit."""
        now = self.loop.time()
        for watch in tuple(self._watches):
            watch.check(now)
        self._check = self.loop.call_later(self._check_s, self._checked) if self._watches else None


class Watch:
    """One call under watch; `error` is why it was ended from here, if it was."""

    __slots__ = ("_client", "_exchange", "_listener", "_moved", "_sent", "_size", "_task", "_watcher", "began", "error")

    def __init__(self, watcher: Watcher, client: ClientExchange, *, size: int, uploading: bool) -> None:
        self._watcher = watcher
        self._client = client
        self._size = size
        self._sent = not uploading
        self._task = asyncio.current_task(watcher.loop)
        self._exchange: UpstreamExchange | None = None
        self._listener: asyncio.Task[Any] | None = None
        self.began = self._moved = watcher.loop.time()
        self.error: Exception | None = None
        client.when_gone(self._gone)

    def attach(self, exchange: UpstreamExchange) -> None:
        """The exchange has started; an upload goes on beside it."""
        self._exchange = exchange
        if not self._sent:
            self._listener = self._watcher.tasks.spawn(self._upload(exchange), name="upload")

    def stop(self) -> None:
        """The call is over."""
        self._watcher.forget(self)
        if self._listener is not None:
            self._listener.cancel()

    def check(self, now: float) -> None:
        """Fail the call if it is over a limit."""
        limits = self._watcher.limits
        silent = self._exchange.silent_since if self._exchange is not None else None
        since = None if silent is None else max(silent, self._moved)
        if now - self.began >= limits.total_timeout_s:
            self._fail(failures.total_timeout(limits.total_timeout_s))
        elif since is not None and now - since >= limits.idle_timeout_s:
            self._fail(failures.idle_timeout(limits.idle_timeout_s))

    async def _upload(self, exchange: UpstreamExchange) -> None:
        """Pass the rest of the body on, then let the connection tell when the client leaves."""
        limit_bytes = self._watcher.limits.body_limit_bytes
        more = True
        try:
            while more:
                piece, more = await self._client.receive()
                self._size += len(piece)
                if self._size > limit_bytes:
                    raise failures.body_too_large(limit_bytes)
                self._sent = not more
                await exchange.write(piece, more=more)
                self._moved = self._watcher.loop.time()
        except (BacktalkError, ClientGoneError) as error:
            self._fail(error)

    def _gone(self) -> None:
        self._fail(ClientGoneError())

    def _fail(self, error: Exception) -> None:
        """End the call: through its exchange, or where its task waits for something else by cancelling it."""
        if self.error is not None:
            return
        self.error = error
        waiting = self._exchange is not None and self._exchange.waiting
        if self._exchange is not None:
            self._exchange.fail(error)
        if not waiting and self._task is not None:
            self._task.cancel()
