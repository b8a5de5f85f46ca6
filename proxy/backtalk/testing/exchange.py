"""A client's exchange in the hands of a test: it says what it is told to, and keeps what it is answered.

In: pieces of a body, or that the client leaves. Out: status, fields and pieces of the response. The one rule: nothing
waits; a body that has no more to say ends as if the client had left.
"""

from collections.abc import Callable

from backtalk.model.exchange import ClientGoneError, Fields, RequestHead


class HandExchange:
    """Satisfies `model.exchange.ClientExchange`."""

    def __init__(
        self,
        *pieces: bytes,
        fields: Fields | None = None,
        path: str = "/v1/chat/completions",
        method: str = "POST",
        query: bytes = b"",
    ) -> None:
        sent = fields or []
        self.head = RequestHead(method, path, path.encode(), query, sent, dict(sent), "10.0.0.1")
        self.pieces = list(pieces)
        """What is still to be received; the last one ends the body, unless `unfinished`."""
        self.unfinished = False
        self.gone = False
        self.writable = True
        self.status = 0
        self.fields: Fields = []
        self.written: list[bytes] = []
        self.complete = False
        self.gone_callback: Callable[[], None] | None = None
        self.writable_callback: Callable[[], None] | None = None

    async def receive(self) -> tuple[bytes, bool]:
        """The next piece."""
        if not self.pieces:
            self.gone = True
            raise ClientGoneError
        piece = self.pieces.pop(0)
        return piece, bool(self.pieces) or self.unfinished

    def when_gone(self, callback: Callable[[], None]) -> None:
        """Keep the callback."""
        self.gone_callback = callback

    def when_writable(self, callback: Callable[[], None]) -> None:
        """Keep the callback."""
        self.writable_callback = callback

    def start(self, status: int, fields: Fields) -> None:
        """Keep the head."""
        self.status, self.fields = status, fields

    def write(self, piece: bytes, *, more: bool) -> None:
        """Keep a piece."""
        self.written.append(piece)
        self.complete = not more
