"""A client that sends exactly the bytes a test wants, and says of a response whether it was whole.

In: bytes. Out: `RawResponse`. The one rule: a response that ends before its framing says so is not `complete`.
"""

import asyncio
from typing import Any, Self

import httptools


class RawResponse:
    """What came back."""

    def __init__(self) -> None:
        self.status = 0
        self.fields: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.complete = False
        self.keep_alive = False

    def value(self, name: str) -> str | None:
        """The value of a field; None where there is none."""
        return next((v.decode("latin-1") for k, v in self.fields if k.lower() == name.encode()), None)

    def values(self, name: str) -> list[str]:
        """All values of a field."""
        return [v.decode("latin-1") for k, v in self.fields if k.lower() == name.encode()]


class RawClient:
    """One connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._rest = b""

    @classmethod
    async def to(cls, port: int) -> Self:
        """Connect to a port of this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def __aenter__(self) -> Self:
        """Use as a context: closes at the end."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def send(self, *pieces: bytes) -> None:
        """Send bytes."""
        for piece in pieces:
            self.writer.write(piece)

    def close(self) -> None:
        """Reset the connection."""
        self.writer.transport.abort()

    async def response(self, *, head_only: bool = False, timeout_s: float = 10.0) -> RawResponse:
        """Read one response, or its head; a connection that ends in between leaves it incomplete."""
        reading = _Reading()
        async with asyncio.timeout(timeout_s):
            while not (reading.response.complete or (head_only and reading.head)):
                data = self._rest or await self.reader.read(65536)
                self._rest = b""
                if not data:
                    reading.end()
                    break
                reading.feed(data)
        return reading.finish()

    async def request(
        self, method: str, path: str, body: bytes = b"", *, fields: tuple[tuple[str, str], ...] = (), **options: Any
    ) -> RawResponse:
        """Send a request with a content-length and read the response."""
        self.send(request_bytes(method, path, body, fields=fields))
        return await self.response(**options)


class _Reading:
    """Parses one response; says by `head` that its head is there."""

    def __init__(self) -> None:
        self.response = RawResponse()
        self.head = False
        self._pieces: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def finish(self) -> RawResponse:
        self.response.body = b"".join(self._pieces)
        return self.response

    def end(self) -> None:
        names = {name.lower() for name, _ in self.response.fields}
        self.response.complete = self.head and not names & {b"content-length", b"transfer-encoding"}

    def on_header(self, name: bytes, value: bytes) -> None:
        self.response.fields.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status == 100:
            self.response.fields.clear()
        else:
            self.response.status = status
            self.head = True

    def on_body(self, piece: bytes) -> None:
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        if self.head:
            self.response.complete = True
            self.response.keep_alive = self._parser.should_keep_alive()


def request_bytes(method: str, path: str, body: bytes = b"", *, fields: tuple[tuple[str, str], ...] = ()) -> bytes:
    """A well-formed request."""
    lines = [f"{method} {path} HTTP/1.1", "host: localhost", *(f"{k}: {v}" for k, v in fields)]
    if body or method == "POST":
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
