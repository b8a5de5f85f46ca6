"""Reads the body of a request that wished for another protocol.

The parser stops at such a head and gives the rest back as bytes of the other protocol. In: that head, those bytes. Out:
the request's own body. The one rule: what a client sends behind it on such a connection is no part of it.
"""

from collections.abc import Callable

from backtalk.model.exchange import RequestHead


def head_for_body(head: RequestHead) -> bytes:
    """A head that frames the same body and wishes for nothing."""
    framing = [field for field in head.fields if field[0] in (b"content-length", b"transfer-encoding")]
    return b"\r\n".join((b"POST / HTTP/1.1", *map(b": ".join, framing), b"\r\n"))


class BodyOnly:
    """Lets a parser tell of one body alone."""

    def __init__(self, piece: Callable[[bytes], None], end: Callable[[], None]) -> None:
        self._piece = piece
        self._end = end
        self._complete = False

    def on_body(self, body: bytes) -> None:
        """A piece of it."""
        if not self._complete:
            self._piece(body)

    def on_message_complete(self) -> None:
        """Its end, or that of what is behind it."""
        if not self._complete:
            self._complete = True
            self._end()


class Unread:
    """Stands in the parser's place where the bytes are another protocol's: all of them are passed on."""

    def __init__(self, piece: Callable[[bytes], None]) -> None:
        self.feed_data = piece
