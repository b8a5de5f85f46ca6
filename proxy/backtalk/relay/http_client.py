"""The upstream client: asyncio and httptools, a pool of kept connections, TLS where the URL says so.

In: an `UpstreamRequest`. Out: an exchange whose response is pulled. The one rule: a request is sent once; only where a
kept connection turns out to have been closed, and the whole body is at hand, is it sent again, on a fresh one.
"""

import asyncio
import ssl
from typing import Final

from backtalk.errors import UpstreamError
from backtalk.model.exchange import ClientExchange
from backtalk.relay import failures
from backtalk.relay.connection import Connection
from backtalk.relay.pool import Pool
from backtalk.relay.upstream import Fields, UpstreamRequest, UpstreamTarget
from backtalk.settings import RelaySettings

_METHODS_WITH_BODY: Final = frozenset((b"POST", b"PUT", b"PATCH"))


class HttpClient:
    """Sends to one upstream. Made inside a running loop; `aclose` ends it."""

    def __init__(
        self, target: UpstreamTarget, settings: RelaySettings, *, tls_context: ssl.SSLContext | None = None
    ) -> None:
        self.target = target
        self._loop = asyncio.get_running_loop()
        self._connect_timeout_s = settings.connect_timeout_s
        self._pool = Pool(self._loop, limit=settings.max_idle_connections, keep_s=settings.keep_alive_s)
        self._tls = (tls_context or ssl.create_default_context()) if target.tls else None
        self._host_line = b" HTTP/1.1\r\nhost: " + target.authority

    async def send(self, request: UpstreamRequest) -> "Exchange":
        """Start an exchange on a kept connection, else on a fresh one."""
        connection = self._pool.take() or await self._connect()
        exchange = Exchange(self, connection, request)
        exchange.start()
        return exchange

    async def aclose(self) -> None:
        """Close what waits; exchanges under way end by themselves and close their connections."""
        self._pool.close()

    @property
    def idle_connections(self) -> int:
        """How many connections wait."""
        return self._pool.idle

    def put_back(self, connection: Connection) -> None:
        """Take a connection back after its exchange."""
        self._pool.put(connection)

    def start_of(self, method: bytes, target: bytes, fields: Fields) -> bytes:
        """The request line, the host, and fields that many requests share."""
        return b"\r\n".join((b"%b %b%b" % (method, target, self._host_line), *map(b": ".join, fields)))

    def serialise(self, request: UpstreamRequest) -> tuple[bytes, bool]:
        """The head as bytes, and whether the body's pieces are chunked."""
        lines = [request.start or self.start_of(request.method, request.target, ())]
        lines += map(b": ".join, request.fields)
        framed = request.framed
        chunked = request.body is None and not framed
        if chunked:
            lines.append(b"transfer-encoding: chunked")
        elif not framed and (request.body or request.method in _METHODS_WITH_BODY):
            lines.append(b"content-length: %d" % len(request.body or b""))
        lines.append(b"\r\n")
        return b"\r\n".join(lines), chunked

    async def fresh(self) -> Connection:
        """A connection that was never used."""
        return await self._connect()

    async def _connect(self) -> Connection:
        target = self.target
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                _, connection = await self._loop.create_connection(
                    lambda: Connection(self._loop),
                    target.host,
                    target.port,
                    ssl=self._tls,
                    server_hostname=target.host if self._tls else None,
                )
        except TimeoutError as error:
            raise failures.connect_timeout(target.name, self._connect_timeout_s) from error
        except OSError as error:
            raise failures.unreachable(target.name, error) from error
        return connection


class Exchange:
    """One request under way; satisfies `upstream.UpstreamExchange`."""

    __slots__ = ("_client", "_connection", "_error", "_request")

    def __init__(self, client: HttpClient, connection: Connection, request: UpstreamRequest) -> None:
        self._client = client
        self._connection = connection
        self._request = request
        self._error: Exception | None = None

    @property
    def status(self) -> int:
        """The response's status."""
        return self._connection.response.status

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """The response's fields."""
        return self._connection.response.fields

    @property
    def silent_since(self) -> float | None:
        """Since when the upstream is waited for."""
        return self._connection.silent_since

    @property
    def waiting(self) -> bool:
        """Whether a task waits for the upstream."""
        return self._connection.waiting

    def start(self) -> None:
        """Send the head and the body that is at hand."""
        request = self._request
        data, chunked = self._client.serialise(request)
        self._connection.start(data, request.body, bodiless=request.method == b"HEAD", chunked=chunked)

    async def write(self, piece: bytes, *, more: bool) -> None:
        """Send a piece of the body."""
        await self._connection.write(piece, more=more)

    async def head(self) -> None:
        """Wait for the head; once, a stale connection is replaced."""
        try:
            await self._connection.head()
        except UpstreamError:
            if self._request.body is None or not self._connection.is_stale():
                raise
            self._connection = await self._client.fresh()
            if self._error is not None:
                raise self._error from None
            self.start()
            await self._connection.head()

    async def piece(self) -> bytes:
        """The next bytes of the body."""
        return await self._connection.piece()

    async def pour(self, client: ClientExchange) -> None:
        """Pass the body on to the client, up to its end."""
        await self._connection.pour(client)

    def fail(self, error: Exception) -> None:
        """End the exchange from outside."""
        self._error = error
        self._connection.fail(error)

    def release(self) -> None:
        """Give the connection back or close it."""
        self._client.put_back(self._connection)
