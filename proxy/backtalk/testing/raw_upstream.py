"""An upstream that says exactly the bytes a test wants, when it wants, and remembers exactly what it was sent.

In: a script, called once per request with the conversation. Out: requests as they came over the wire. The one rule: no
HTTP library stands between the test and the socket.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

_END: Final = b"\r\n\r\n"


class RawRequest:
    """One request as it was read: `head` with its end, and the body without its framing."""

    def __init__(self, head: bytes, body: bytes) -> None:
        self.head = head
        self.body = body

    @property
    def line(self) -> bytes:
        """The request line."""
        return self.head.split(b"\r\n", 1)[0]

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """Header fields as sent."""
        lines = self.head.split(b"\r\n")[1:-2]
        return [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]

    def values(self, name: bytes) -> list[bytes]:
        """All values of one field."""
        return [value for key, value in self.fields if key.lower() == name]


class Conversation:
    """One connection of the upstream, in the hands of a script."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.closed_by_peer = asyncio.Event()

    async def say(self, *pieces: bytes) -> None:
        """Send pieces, each in a segment of its own as far as the kernel allows."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)

    def cut(self) -> None:
        """Reset the connection."""
        self.writer.transport.abort()

    def close(self) -> None:
        """Close the connection in order."""
        self.writer.close()

    async def until_closed(self) -> None:
        """Wait until the peer closes or resets the connection."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        self.closed_by_peer.set()

    async def head(self) -> bytes:
        """Read a head; raises `IncompleteReadError` at the end of the connection."""
        return await self.reader.readuntil(_END)

    async def body(self, head: bytes) -> bytes:
        """Read the body that a head announced."""
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        if fields.get(b"transfer-encoding") == b"chunked":
            return await self._chunks()
        return await self.reader.readexactly(int(fields.get(b"content-length", b"0")))

    async def _chunks(self) -> bytes:
        pieces: list[bytes] = []
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            pieces.append((await self.reader.readexactly(size + 2))[:-2])
        await self.reader.readexactly(2)
        return b"".join(pieces)


Script = Callable[[Conversation, RawRequest], Awaitable[None]]
"""What the upstream does with one request."""


class RawUpstream:
    """A listening upstream. `script` may be replaced between requests; `before_body` answers without reading bodies."""

    def __init__(self, script: Script, *, before_body: bool = False) -> None:
        self.script = script
        self.requests: list[RawRequest] = []
        self.asked = asyncio.Event()
        """Set once there has been a request."""
        self.connections = 0
        self.port = 0
        self._before_body = before_body

    @property
    def url(self) -> str:
        """The base URL that a client is given."""
        return f"http://127.0.0.1:{self.port}/v1"

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncGenerator["RawUpstream"]:
        """Listen on a free port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        conversation = Conversation(reader, writer)
        try:
            while not writer.is_closing():
                head = await conversation.head()
                body = b"" if self._before_body else await conversation.body(head)
                self.requests.append(request := RawRequest(head, body))
                self.asked.set()
                await self.script(conversation, request)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            writer.close()


def answering(*pieces: bytes) -> Script:
    """A script that always says the same."""

    async def script(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.say(*pieces)

    return script
