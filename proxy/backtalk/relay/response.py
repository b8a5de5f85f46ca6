"""One response of the upstream, from bytes: its head, the pieces of its body, and whether it is whole.

In: bytes. Out: status, fields and pieces. The one rule: a response is complete only where its framing says so.
"""

from typing import Final

import httptools

from backtalk.errors import UpstreamError
from backtalk.relay import failures

HEAD_LIMIT_BYTES: Final = 64 * 1024


class Response:
    """Reads the responses of one connection, one after the other; `begin` comes before each."""

    __slots__ = (
        "_bodiless",
        "_fed_bytes",
        "_incoming",
        "_interim",
        "_parser",
        "began",
        "complete",
        "fields",
        "framed",
        "head",
        "keep_alive",
        "pieces",
        "size_bytes",
        "status",
    )

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.begin(bodiless=False)
        self.complete = True

    def begin(self, *, bodiless: bool) -> None:
        """Expect a response; `bodiless`: it has none, whatever its head says."""
        self._bodiless = bodiless
        self._interim = False
        self._fed_bytes = 0
        self._incoming: list[tuple[bytes, bytes]] = []
        self.began = False
        """A byte of it has come."""
        self.head = False
        """Its head is whole."""
        self.complete = False
        self.framed = False
        """Its end does not depend on that of the connection."""
        self.keep_alive = False
        self.status = 0
        self.fields: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.size_bytes = 0

    def feed(self, data: bytes) -> None:
        """Take bytes; raises `UpstreamError` for what is no response, unless it follows a whole one."""
        self.began = True
        self._fed_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.keep_alive = False
            if not self.complete:
                said = error.__context__
                raise (said if isinstance(said, UpstreamError) else failures.malformed()) from None
        if not self.complete and self._fed_bytes > HEAD_LIMIT_BYTES:
            raise failures.head_too_large(HEAD_LIMIT_BYTES)

    def end(self) -> bool:
        """The connection has ended; whether that was the end of the response."""
        if not self.complete and self.head and not self.framed:
            self.complete = True
        return self.complete

    def take(self) -> bytes:
        """What has come of the body since the last time, joined."""
        pieces = self.pieces
        self.pieces = []
        self.size_bytes = 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    # The parser's side.

    def on_message_begin(self) -> None:
        """A response begins; one that nobody asked for is an error."""
        if self.complete:
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
        if coding and coding.lower().strip() != b"chunked" and not self._bodiless:
            raise failures.transfer_coding()
        self.framed = bool(coding) or b"content-length" in known
        self.status = status
        self.head = True
        self._fed_bytes = 0
        if self._bodiless:
            self.complete = True

    def on_body(self, piece: bytes) -> None:
        """Keep a piece until it is asked for; what is fed without any is a head, or trailers, and bounded."""
        self._fed_bytes = 0
        if not self._bodiless:
            self.pieces.append(piece)
            self.size_bytes += len(piece)

    def on_message_complete(self) -> None:
        """The body is whole; asked here, since after `feed_data` the parser no longer knows about keep-alive."""
        if self._interim:
            self._interim = False
            return
        self.keep_alive = self._parser.should_keep_alive()
        self.complete = True

    def _bound_head(self) -> None:
        """Refuse a head above the limit; asked only where so much was fed that it may be."""
        if sum(len(name) + len(value) + 4 for name, value in self._incoming) > HEAD_LIMIT_BYTES:
            raise failures.head_too_large(HEAD_LIMIT_BYTES)
