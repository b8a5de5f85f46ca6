"""WebSockets to the upstream: a handshake, then bytes in both directions, none of them touched.

In: a call that asks for a WebSocket. Out: the upstream's answer, and while that is a 101 everything either side sends.
The one rule: frames are not looked at, so pings, compression, sub-protocols and close codes are the two ends' own.
"""

import asyncio
import ssl
from typing import Final

import httptools

from backtalk import clock
from backtalk.errors import UpstreamError
from backtalk.model.exchange import ClientExchange, ClientGoneError, Fields
from backtalk.model.notes import CallNotes
from backtalk.relay import failures
from backtalk.relay.fields import RequestFields, response_fields
from backtalk.relay.response import HEAD_LIMIT_BYTES, Response
from backtalk.relay.upstream import UpstreamTarget
from backtalk.settings import RelaySettings
from backtalk.tasks import TaskGroup

_UPGRADE: Final[Fields] = [(b"connection", b"Upgrade"), (b"upgrade", b"websocket")]
_PROTOCOL: Final = b"sec-websocket-protocol"
_KEY_PREFIX: Final = b"openai-insecure-api-key."
_READ_BYTES: Final = 64 * 1024


class Tunnel:
    """Serves WebSockets; made inside a running loop. `replaces_key`: the app's own credential is not sent on."""

    def __init__(
        self, target: UpstreamTarget, limits: RelaySettings, fields: RequestFields, *, replaces_key: bool
    ) -> None:
        self._target = target
        self._limits = limits
        self._fields = fields
        self._replaces_key = replaces_key
        self._tls = ssl.create_default_context() if target.tls else None
        self._tasks = TaskGroup()

    async def serve(self, client: ClientExchange, notes: CallNotes, target: bytes) -> None:
        """Serve one call at the request target of the upstream; raises `UpstreamError` before a response begins."""
        reader, writer = await self._connect()
        client.when_gone(writer.transport.abort)
        try:
            notes.asked_ns = clock.monotonic_ns()
            writer.write(self._head(client, notes, target))
            head, status = await self._answer(reader)
            notes.answered_ns = clock.monotonic_ns()
            if status == 101:
                client.start(101, [*response_fields(_fields_of(head)), *_UPGRADE])
                client.write(b"", more=True)
                await self._pass(client, reader, writer, notes)
            else:
                await _refusal(client, head, reader)
        finally:
            writer.transport.abort() if client.gone else writer.close()

    async def aclose(self) -> None:
        """End what is open."""
        await self._tasks.aclose()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        target, limit_s = self._target, self._limits.connect_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.open_connection(
                    target.host,
                    target.port,
                    limit=HEAD_LIMIT_BYTES,
                    ssl=self._tls,
                    server_hostname=target.host if self._tls else None,
                )
        except TimeoutError as error:
            raise failures.connect_timeout(target.name, limit_s) from error
        except OSError as error:
            raise failures.unreachable(target.name, error) from error

    def _head(self, client: ClientExchange, notes: CallNotes, target: bytes) -> bytes:
        fields = self._fields.lasting(client.head.fields)
        fields += self._fields.own(None, traceparent=notes.traceparent, tracestate=notes.tracestate)
        if self._replaces_key:
            fields = [field for field in map(_without_key, fields) if field[1] or field[0] != _PROTOCOL]
        lines = [b"GET %b HTTP/1.1\r\nhost: %b" % (target, self._target.authority)]
        return b"\r\n".join([*lines, *map(b": ".join, [*fields, *_UPGRADE]), b"\r\n"])

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[bytes, int]:
        """The upstream's head and its status; 1xx heads that are no answer are passed over."""
        limit_s = self._limits.idle_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    status = _status_of(head)
                    if status == 101 or status >= 200:
                        return head, status
        except TimeoutError as error:
            raise failures.idle_timeout(limit_s) from error
        except asyncio.LimitOverrunError as error:
            raise failures.head_too_large(HEAD_LIMIT_BYTES) from error
        except (asyncio.IncompleteReadError, OSError) as error:
            raise failures.cut() from error

    async def _pass(
        self, client: ClientExchange, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, notes: CallNotes
    ) -> None:
        """Pass bytes until one side ends, or a limit does."""
        began = asyncio.get_running_loop().time()
        flow = _Flow(client, reader, writer)
        down = self._tasks.spawn(flow.down(), name="tunnel-down")
        up = self._tasks.spawn(flow.up(), name="tunnel-up")
        check_s = min(1.0, self._limits.idle_timeout_s / 4, self._limits.total_timeout_s / 4)
        try:
            while not (down.done() or up.done()):
                await asyncio.wait((down, up), timeout=check_s, return_when=asyncio.FIRST_COMPLETED)
                if error := self._over(began, flow.moved):
                    notes.fail("upstream_timeout", error.code)
                    return
            if down.done() and down.result():
                client.write(b"", more=False)
            elif down.done():
                notes.fail("upstream_error", failures.cut().code)
            else:
                notes.fail("client_disconnected" if client.gone else "upstream_error", None)
        finally:
            for task in (down, up):
                task.cancel()

    def _over(self, began: float, moved: float) -> UpstreamError | None:
        """The limit that has passed: both sides were silent for too long, or it is enough."""
        now = asyncio.get_running_loop().time()
        if now - began >= self._limits.total_timeout_s:
            return failures.total_timeout(self._limits.total_timeout_s)
        if now - moved >= self._limits.idle_timeout_s:
            return failures.idle_timeout(self._limits.idle_timeout_s)
        return None


class _Flow:
    """Both directions of one tunnel; `moved` is the loop time of the last byte."""

    def __init__(self, client: ClientExchange, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._client = client
        self._reader = reader
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self.moved = self._loop.time()

    async def down(self) -> bool:
        """Pass the upstream's bytes to the client; True where the upstream ended in order."""
        try:
            while data := await self._reader.read(_READ_BYTES):
                self.moved = self._loop.time()
                self._client.write(data, more=True)
                while not (self._client.writable or self._client.gone):
                    news = asyncio.Event()
                    self._client.when_writable(news.set)
                    await news.wait()
        except OSError:
            return False
        return True

    async def up(self) -> None:
        """Pass the client's bytes to the upstream, until either is gone."""
        try:
            while True:
                piece, _ = await self._client.receive()
                self.moved = self._loop.time()
                self._writer.write(piece)
                await self._writer.drain()
        except (ClientGoneError, OSError):
            return


async def _refusal(client: ClientExchange, head: bytes, reader: asyncio.StreamReader) -> None:
    """Pass an answer that is no 101: an ordinary response."""
    response = Response()
    response.begin(bodiless=False)
    response.feed(head)
    client.start(response.status, response_fields(response.fields))
    client.write(response.take(), more=not response.complete)
    while not response.complete:
        try:
            data = await reader.read(_READ_BYTES)
        except OSError as error:
            raise failures.cut() from error
        if data:
            response.feed(data)
        elif not response.end():
            raise failures.cut()
        client.write(response.take(), more=not response.complete)


class _Fields:
    """Collects the header fields of one head."""

    def __init__(self) -> None:
        self.found: Fields = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.found.append((name.lower(), value))


def _fields_of(head: bytes) -> Fields:
    collected = _Fields()
    try:
        httptools.HttpResponseParser(collected).feed_data(head)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        raise failures.malformed() from error
    return collected.found


def _status_of(head: bytes) -> int:
    words = head.split(b" ", 2)
    if not head.startswith(b"HTTP/1.1 ") or not words[1][:3].isdigit():
        raise failures.malformed()
    return int(words[1][:3])


def _without_key(field: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """Leave out the app's key from the sub-protocols that it offers."""
    if field[0] != _PROTOCOL:
        return field
    offered = [word.strip() for word in field[1].split(b",")]
    return _PROTOCOL, b", ".join(word for word in offered if not word.startswith(_KEY_PREFIX))
