"""One HTTP/1.1 connection to the upstream: one exchange at a time, pulled by its reader.

In: a serialised request, bytes of the transport. Out: status, fields and body pieces, as soon as they are there. The
one rule: a response is complete only where its framing says so; anything else is an `UpstreamError`, never an end.
"""

import asyncio
from typing import Final, cast

import httptools

from backtalk.relay import failures

HEAD_LIMIT_BYTES: Final = 64 * 1024
_HIGH_BYTES: Final = 256 * 1024
_JOIN_BYTES: Final = 16 * 1024
_STALE_S: Final = 1.0


class Connection(asyncio.Protocol):
    """Protocol of one connection. `began` says whether a byte of the current response has come."""

    __slots__ = (
        "_chunked",
        "_done",
        "_drain",
        "_error",
        "_fed_bytes",
        "_framed",
        "_head",
        "_headless",
        "_incoming",
        "_interim",
        "_keep",
        "_loop",
        "_parser",
        "_paused",
        "_pieces",
        "_size",
        "_started",
        "_transport",
        "_uploaded",
        "_waiter",
        "_writable",
        "began",
        "fields",
        "idle_since",
        "silent_since",
        "status",
        "used",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._drain: asyncio.Future[None] | None = None
        self._writable = True
        self._paused = False
        self.used = False
        self.idle_since = 0.0
        self._parser = httptools.HttpResponseParser(self)
        self._rest()

    def _rest(self) -> None:
        self._pieces: list[bytes] = []
        self._size = self._fed_bytes = self.status = 0
        self._error: Exception | None = None
        self._head = self._interim = self._framed = self._chunked = self._headless = self._keep = False
        self._uploaded = self.began = False
        self._done = True
        self.fields: list[tuple[bytes, bytes]] = []
        self._incoming: list[tuple[bytes, bytes]] = []
        self.silent_since: float | None = None

    # The exchange, as `UpstreamExchange` has it.

    @property
    def ready(self) -> bool:
        """Whether `piece` would not wait."""
        return self._done or bool(self._pieces)

    @property
    def ended(self) -> bool:
        """Whether the response is complete and all of it was given out."""
        return self._done and self._error is None and not self._pieces

    @property
    def usable(self) -> bool:
        """Whether a new exchange may start here."""
        return self._done and self._transport is not None and not self._transport.is_closing()

    @property
    def reusable(self) -> bool:
        """Whether the exchange is over and the upstream keeps the connection."""
        return self.usable and self._keep and self._uploaded and self._error is None

    def start(self, data: bytes, body: bytes | None, *, bodiless: bool, chunked: bool) -> None:
        """Send a head, and the body unless it comes in pieces (None); `bodiless`: the response has none."""
        self._rest()
        self._done = False
        self._started = self._loop.time()
        self._headless = bodiless
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
        while not self._head:
            await self._more()

    async def piece(self) -> bytes:
        """Everything that has come of the body, joined; empty at its end."""
        while True:
            if self._pieces:
                return self._take()
            if self._done and self._error is None:
                return b""
            await self._more()

    def fail(self, error: Exception) -> None:
        """End the exchange with an error; what waits in memory is dropped."""
        if not self._done or self._error is None:
            self._pieces.clear()
            self._error = error
            self._done, self._keep = True, False
        self.close()
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
        return self.used and not self.began and self._loop.time() - self._started < _STALE_S

    # The transport's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse what came; a byte that nobody asked for ends the connection."""
        if self._done:
            self._keep = False
            self.close()
            return
        self.began = True
        if not self._head:
            self._fed_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._unreadable()
        else:
            self._bound()
        self._wake()

    def eof_received(self) -> None:
        """The upstream says no more: the end of a body that has no other."""
        if not self._done and self._head and not self._framed:
            self._done = True
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """End what was under way."""
        self._transport = None
        if not self._done:
            if exc is None and self._head and not self._framed:
                self._done = True
            else:
                self._stop(failures.cut())
        self.resume_writing()
        self._wake()

    def pause_writing(self) -> None:
        """The upstream takes no more for now."""
        self._writable = False

    def resume_writing(self) -> None:
        """The upstream takes bytes again."""
        self._writable = True
        drain, self._drain = self._drain, None
        if drain is not None and not drain.done():
            drain.set_result(None)

    # The parser's side.

    def on_message_begin(self) -> None:
        """A response begins; one that nobody asked for is an error."""
        if self._done:
            raise failures.malformed()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field, or a trailer, for which nobody looks."""
        self._incoming.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is whole; 1xx heads are passed over."""
        status = self._parser.get_status_code()
        if status < 200:
            self._interim = True
            self._incoming.clear()
            return
        if self._fed_bytes > HEAD_LIMIT_BYTES:
            self._bound_head()
        self.fields, self._incoming = self._incoming, []
        known = dict(self.fields)
        coding = known.get(b"transfer-encoding", b"")
        self._framed = coding.lower().endswith(b"chunked") if coding else b"content-length" in known
        self.status = status
        self._head = True
        if self._headless:
            self._done = True

    def on_body(self, piece: bytes) -> None:
        """Keep a piece until it is asked for."""
        if not self._headless:
            self._pieces.append(piece)
            self._size += len(piece)

    def on_message_complete(self) -> None:
        """The body is whole; asked here, since after `feed_data` the parser no longer knows about keep-alive."""
        if self._interim:
            self._interim = False
            return
        self._keep = self._parser.should_keep_alive()
        self._done = True

    # Inside.

    def _bound_head(self) -> None:
        """Refuse a head above the limit; asked only where so much was fed that it may be."""
        if sum(len(name) + len(value) + 4 for name, value in self._incoming) > HEAD_LIMIT_BYTES:
            self._error = failures.head_too_large(HEAD_LIMIT_BYTES)
            raise self._error

    def _bound(self) -> None:
        if not self._head:
            if self._fed_bytes > HEAD_LIMIT_BYTES:
                self._stop(failures.head_too_large(HEAD_LIMIT_BYTES))
        elif self._size > _HIGH_BYTES and not self._paused and self._transport is not None and not self._done:
            self._paused = True
            self._transport.pause_reading()

    def _take(self) -> bytes:
        pieces = self._pieces
        joined = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._pieces = []
        self._size = 0
        if self._paused:
            self._paused = False
            if self._transport is not None:
                self._transport.resume_reading()
        return joined

    async def _more(self) -> None:
        if self._error is not None:
            raise self._error
        waiter = self._waiter = self._loop.create_future()
        self.silent_since = self._loop.time()
        try:
            await waiter
        finally:
            self._waiter = None
            self.silent_since = None

    def _unreadable(self) -> None:
        """Not HTTP: an error, unless it follows a whole response; either way the connection is not used again."""
        if self._done and self._error is None:
            self._keep = False
            self.close()
        else:
            self._stop(self._error or failures.malformed())

    def _stop(self, error: Exception) -> None:
        self._error = error
        self._done, self._keep = True, False
        self.close()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
