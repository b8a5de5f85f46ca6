"""The scripted provider's HTTP/1.1: read a request from a socket, write a response in any framing, see the client go.

Small on purpose and independent of the product's own HTTP code, so that a mistake there cannot hide here.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, NamedTuple

import msgspec

MAX_HEAD_BYTES: Final = 1 << 20
KEPT_BODY_BYTES: Final = 64 << 20
_POLL_S: Final = 0.005
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Head(NamedTuple):
    """A request line and its headers, names in lower case, in order."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key == name), None)


class ClientGoneError(ConnectionError):
    """The client closed the connection before it had the whole response."""


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """Read a request head; None when the client closed the connection instead."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = raw[:-4].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.split(":", 1) for line in lines)
    return Head(method, target, tuple((name.lower(), value.strip()) for name, value in pairs))


async def read_body(reader: asyncio.StreamReader, head: Head) -> AsyncIterator[bytes]:
    """The request body in pieces, by content-length or chunked coding."""
    if "chunked" in (head.get("transfer-encoding") or ""):
        while size := int((await reader.readline()).split(b";")[0], 16):
            yield await reader.readexactly(size)
            await reader.readexactly(2)
        while (await reader.readline()).strip():
            pass
        return
    left = int(head.get("content-length") or 0)
    while left:
        piece = await reader.read(min(left, 1 << 16))
        if not piece:
            raise ClientGoneError
        left -= len(piece)
        yield piece


class Line:
    """One connection's way out: writes, and notices when the client has gone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def write(self, data: bytes) -> None:
        """Write and wait until the socket has room."""
        self.check()
        self._writer.write(data)
        try:
            await self._writer.drain()
        except ConnectionError as error:
            raise ClientGoneError from error

    async def pause(self, seconds: float) -> None:
        """Stay silent for a while."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        await self.wait_for(lambda: loop.time() >= end)

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Stay silent until the condition holds."""
        while not condition():
            self.check()
            await asyncio.sleep(_POLL_S)

    def check(self) -> None:
        """Raise `ClientGoneError` when the client has closed its side."""
        if self._reader.at_eof() or self._writer.is_closing():
            raise ClientGoneError

    def reset(self) -> None:
        """Drop the connection at once."""
        self._writer.transport.abort()


Write = Callable[[bytes], Awaitable[None]]


def head_bytes(status: int, headers: tuple[tuple[str, str], ...]) -> bytes:
    """A response head."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} Scripted\r\n{lines}\r\n".encode("latin-1")


def chunk(data: bytes) -> bytes:
    """One chunk of the chunked coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Exchange(msgspec.Struct):
    """One request as the provider received it, and how its response ended; a test reads it while it grows."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    body_bytes: int = 0
    body_sha256: str = ""
    outcome: str = "receiving"
    """`receiving`, `answering`, then `answered`, `client_gone` or `cut`."""
    sent_bytes: int = 0

    def header(self, name: str) -> str | None:
        """The first value of a request header."""
        return next((value for key, value in self.headers if key == name.lower()), None)
