"""One HTTP/1.1 connection to the upstream: one exchange at a time.

In: a serialised request, bytes of the transport. Out: a response, pulled piece by piece or poured into a client. The
one rule: a response ends where its framing says so; anything else is an `UpstreamError`, never an end.
"""

import asyncio
from typing import Final, cast

from backtalk.errors import UpstreamError
from backtalk.model.exchange import ClientExchange
from backtalk.relay import failures
from backtalk.relay.response import Response

_HIGH_BYTES: Final = 256 * 1024
_JOIN_BYTES: Final = 16 * 1024
_STALE_S: Final = 1.0


class Connection(asyncio.Protocol):
    """Protocol of one connection; `response` is the current or the last one."""

    __slots__ = (
        "_chunked",
        "_client",
        "_drain",
        "_error",
        "_loop",
        "_paused",
        "_started",
        "_transport",
        "_uploaded",
        "_waiter",
        "_writable",
        "idle_since",
        "response",
        "silent_since",
        "used",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._drain: asyncio.Future[None] | None = None
        self._client: ClientExchange | None = None
        self._error: Exception | None = None
        self._started = 0.0
        self._writable = True
        self._chunked = self._uploaded = self._paused = False
        self.response = Response()
        self.used = False
        self.idle_since = 0.0
        self.silent_since: float | None = None
        """Loop time since which the upstream is waited for; None while it is not its turn."""

    @property
    def usable(self) -> bool:
        """Whether a new exchange may start here."""
        return self.response.complete and self._transport is not None and not self._transport.is_closing()

    @property
    def reusable(self) -> bool:
        """Whether the exchange is over and the upstream keeps the connection."""
        return self.usable and self.response.keep_alive and self._uploaded and self._error is None

    @property
    def waiting(self) -> bool:
        """Whether a task waits here for the upstream, or for the client to take what came."""
        return self._waiter is not None

    def start(self, data: bytes, body: bytes | None, *, bodiless: bool, chunked: bool) -> None:
        """Send a head, and the body unless it comes in pieces (None); `bodiless`: the response has none."""
        self.response.begin(bodiless=bodiless)
        self._error = None
        self._started = self._loop.time()
        self._chunked = chunked
        self._uploaded = body is not None
        transport = self._transport
        if transport is None:
            self._error = failures.cut()
        elif not body:
            transport.write(data)
        elif len(body) <= _JOIN_BYTES:
            transport.write(data + body)
        else:
            transport.writelines((data, body))

    async def write(self, piece: bytes, *, more: bool) -> None:
        """Send a piece of the body, framed as the head said."""
        if self._transport is None or self._error is not None:
            return
        self._uploaded = not more
        if self._chunked:
            piece = (b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b"") + (b"" if more else b"0\r\n\r\n")
        if piece:
            self._transport.write(piece)
        if not self._writable:
            self._drain = self._loop.create_future()
            await self._drain

    async def head(self) -> None:
        """Wait for the final head."""
        while not self.response.head:
            await self._more()

    async def piece(self) -> bytes:
        """Everything that has come of the body, joined; empty at its end."""
        response = self.response
        while not response.pieces:
            if response.complete and self._error is None:
                return b""
            await self._more()
        self._read_on()
        return response.take()

    async def pour(self, client: ClientExchange) -> None:
        """Pass the body on to the client as it comes, up to its end: no task is woken for a piece."""
        response = self.response
        if not response.pieces and not response.complete:
            client.write(b"", more=True)  # sends the head off
        self._client = client
        self._pass_on(client)
        try:
            while not response.complete or self._error is not None:
                await self._more()
        finally:
            self._client = None

    def fail(self, error: Exception) -> None:
        """End the exchange with an error; what waits in memory is dropped."""
        if not self.response.complete or self._error is None:
            self.response.pieces.clear()
            self._stop(error)
        self._wake()

    def close(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    def is_stale(self) -> bool:
        """Whether a failed exchange only met a kept connection that the upstream had closed meanwhile.

        Repeating a POST is safe only where the upstream cannot have worked on it. A keep-alive race shows within a
        round trip: the connection had been used before, no byte of a response came, and the end came at once.
        """
        return self.used and not self.response.began and self._loop.time() - self._started < _STALE_S

    # The transport's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse what came; a byte that nobody asked for ends the connection."""
        response = self.response
        if response.complete:
            response.keep_alive = False
            self.close()
            return
        try:
            response.feed(data)
        except UpstreamError as error:
            self._stop(error)
        if self._client is not None:
            self._pass_on(self._client)
        elif response.size_bytes > _HIGH_BYTES:
            self._hold()
        if self._client is None or response.complete:
            self._wake()

    def eof_received(self) -> None:
        """The upstream says no more: the end of a body that has no other."""
        if not self.response.complete and self.response.end():
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        """End what was under way."""
        self._transport = None
        if not self.response.complete:
            if exc is not None or not self.response.end():
                self._stop(failures.cut())
            self._finish()
        self.resume_writing()

    def pause_writing(self) -> None:
        """The upstream takes no more for now."""
        self._writable = False

    def resume_writing(self) -> None:
        """The upstream takes bytes again."""
        self._writable = True
        drain, self._drain = self._drain, None
        if drain is not None and not drain.done():
            drain.set_result(None)

    def _pass_on(self, client: ClientExchange) -> None:
        """Give the client what has come; where it does not take it, the upstream is held."""
        response = self.response
        more = not response.complete or self._error is not None
        if response.pieces or not more:
            client.write(response.take(), more=more)
        if client.writable:
            self.silent_since = self._loop.time()
        else:
            self._hold()
            client.when_writable(self._read_on)

    def _finish(self) -> None:
        if self._client is not None:
            self._pass_on(self._client)
        self._wake()

    def _hold(self) -> None:
        if not self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = True
            self.silent_since = None
            self._transport.pause_reading()

    def _read_on(self) -> None:
        if self._paused:
            self._paused = False
            self.silent_since = self._loop.time()
            if self._transport is not None and not self._transport.is_closing():
                self._transport.resume_reading()

    async def _more(self) -> None:
        if self._error is not None:
            raise self._error
        waiter = self._waiter = self._loop.create_future()
        self.silent_since = None if self._paused else self._loop.time()
        try:
            await waiter
        finally:
            self._waiter = None
            self.silent_since = None

    def _stop(self, error: Exception) -> None:
        self._error = error
        self.response.complete, self.response.keep_alive = True, False
        self.close()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
