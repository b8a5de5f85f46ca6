"""One request and its response on a connection.

In: pieces of a body from the parser, a response from whoever answers. Out: bytes. The one rule: a response that is not
completed is cut so that the client sees it.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from backtalk.errors import BacktalkError
from backtalk.model.exchange import ClientGoneError, Fields, RequestHead
from backtalk.web.refusals import STATUS_LINES, refusal, still

HIGH_BYTES: Final = 64 * 1024
"""So much of a request's body waits here until it is asked for; then the client is not read from."""
_BODILESS: Final = frozenset((204, 304))
_JOIN_BYTES: Final = 16 * 1024
_FAILED: Final = BacktalkError("Backtalk failed to handle this request.", code="internal_error")


class Connection(Protocol):
    """What a cycle needs of its connection."""

    transport: asyncio.Transport
    writable: bool
    patience_s: float

    def read(self, *, on: bool) -> None:
        """Read on from the client, or not for now."""
        ...

    def completed(self) -> None:
        """The response is out."""
        ...

    def linger(self) -> None:
        """Read nothing more, and close once what was said is heard."""
        ...


class Cycle:
    """Satisfies `model.exchange.ClientExchange`."""

    __slots__ = (
        "_bodiless",
        "_chunked",
        "_connection",
        "_expects",
        "_given",
        "_gone_callback",
        "_held",
        "_left",
        "_more",
        "_news",
        "_pieces",
        "_refused",
        "_size",
        "_switched",
        "_writable_callback",
        "complete",
        "gone",
        "head",
        "keep_alive",
        "started",
        "task",
    )

    def __init__(self, connection: Connection, head: RequestHead, *, keep_alive: bool) -> None:
        self._connection = connection
        self.head = head
        self.keep_alive = keep_alive
        self.task: asyncio.Task[None] | None = None
        self.started = self.complete = self.gone = self._chunked = self._bodiless = self._switched = False
        self._pieces: list[bytes] = []
        self._held, self._size = b"", 0
        self._more, self._given = True, False  # more of the body is to come; its end was given out
        self._news: asyncio.Event | None = None
        self._expects = b"expect" in head.known and head.known[b"expect"].lower() == b"100-continue"
        self._refused: BacktalkError | None = None
        self._gone_callback: Callable[[], None] | None = None
        self._writable_callback: Callable[[], None] | None = None
        self._left: int | None = None

    def feed(self, piece: bytes) -> None:
        """A piece of the body has come; it waits here until it is asked for."""
        if not self.complete:
            self._pieces.append(piece)
            self._size += len(piece)
            if self._size > HIGH_BYTES:
                self._connection.read(on=False)
            self._wake()

    def feed_end(self) -> None:
        """The body is whole."""
        if not self.complete:
            self._more = False
            self._wake()

    def refuse(self, error: BacktalkError) -> None:
        """The rest of the body cannot be read: whoever waits for it gets `error`, and the connection ends."""
        self._refused = error
        self.keep_alive = False
        self._wake()

    def leave(self) -> None:
        """The client has left."""
        if not self.complete:
            self.gone = True
            callback, self._gone_callback = self._gone_callback, None
            if callback is not None:
                callback()
            self.flow()
        self._wake()

    def flow(self) -> None:
        """The client takes more, or is gone."""
        callback, self._writable_callback = self._writable_callback, None
        if callback is not None:
            callback()

    @property
    def writable(self) -> bool:
        """Whether the client takes what is written."""
        return self._connection.writable

    def when_gone(self, callback: Callable[[], None]) -> None:
        """Call back when the client leaves."""
        self._gone_callback = callback

    def when_writable(self, callback: Callable[[], None]) -> None:
        """Call back when the client takes more."""
        self._writable_callback = callback

    async def receive(self) -> tuple[bytes, bool]:
        """What has come of the body; after its end, and after the response, waits for the client to leave."""
        if self._expects and not self._connection.transport.is_closing():
            self._connection.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._expects = False
        while True:
            if self.gone or self.complete:
                raise ClientGoneError
            if self._refused is not None:
                raise self._refused
            if self._pieces or not (self._more or self._given):
                return self._take()
            self._connection.read(on=True)
            self._news = asyncio.Event()
            try:
                waits = not self._more or self._switched
                async with asyncio.timeout(None if waits else self._connection.patience_s):
                    await self._news.wait()
            except TimeoutError:
                self.refuse(still(self._connection.patience_s))

    def start(self, status: int, fields: Fields) -> None:
        """Begin the response; its head goes out with the first piece."""
        if self.started:
            raise RuntimeError("a response begins once")
        known = dict(fields)
        self._left = int(known[b"content-length"]) if b"content-length" in known else None
        self._chunked = b"transfer-encoding" in known
        if b"connection" in known and b"close" in known[b"connection"].lower():
            self.keep_alive = False
        lines = [STATUS_LINES[status], *map(b": ".join, fields)]
        self._frame(lines, status)
        head = b"\r\n".join(lines)
        if head.count(b"\n") != len(lines) or b"\0" in head:
            raise RuntimeError("a header field holds a line break")
        self.started = True
        self._held = head

    def write(self, piece: bytes, *, more: bool) -> None:
        """Send a piece of the body."""
        if self.gone:
            return
        if self.complete or not self.started:
            raise RuntimeError("a body belongs between a response's head and its end")
        if self._bodiless:
            piece = b""
        elif self._chunked:
            end = b"" if more else b"0\r\n\r\n"
            piece = b"%x\r\n%b\r\n%b" % (len(piece), piece, end) if piece else end
        elif self._left is not None:
            self._left -= len(piece)
            if self._left < 0 or (self._left > 0 and not more):
                raise RuntimeError("the body's length is not the content-length that was sent")
        self._send(piece)
        if not more:
            self._complete()

    def end(self) -> None:
        """End a response that nobody completed: whole and failed if nothing was sent, else cut."""
        if self.complete or self.gone:
            return
        transport = self._connection.transport
        if not self.started:
            transport.write(refusal(_FAILED))
            transport.close()
            return
        self._send(b"")
        if not self._connection.writable or self.head.http_version == "1.0":
            transport.abort()
        else:
            transport.close()

    def _frame(self, lines: list[bytes], status: int) -> None:
        """Say how the body ends, and whether the connection does too."""
        self._bodiless = self.head.method == "HEAD" or status in _BODILESS
        self._switched = status == 101  # what follows are the other protocol's bytes, in both directions
        if self._left is None and not (self._chunked or self._bodiless or self._switched):
            if self.head.http_version == "1.0":
                self.keep_alive = False
            else:
                self._chunked = True
                lines.append(b"transfer-encoding: chunked")
        if self._expects:  # the body that was announced may come or not: nobody could tell
            self._expects = self.keep_alive = False
        if not (self.keep_alive or self._switched):
            lines.append(b"connection: close")
        lines.append(b"\r\n")

    def _send(self, piece: bytes) -> None:
        """Write in one system call where that is cheaper than copying."""
        head, self._held = self._held, b""
        if head and len(piece) > _JOIN_BYTES:
            self._connection.transport.writelines((head, piece))
        elif head or piece:
            self._connection.transport.write(head + piece if head else piece)

    def _complete(self) -> None:
        self.complete = True
        self._gone_callback = self._writable_callback = None
        self._wake()
        if self._refused is not None:
            self._connection.linger()
        elif not self.keep_alive:
            self._connection.transport.close()
        self._connection.completed()

    def _take(self) -> tuple[bytes, bool]:
        pieces = self._pieces
        piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._pieces, self._size = [], 0
        self._given = not self._more
        return piece, self._more

    def _wake(self) -> None:
        if self._news is not None:
            self._news.set()
