"""The upstream client: its pool, its limits, its TLS."""

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from backtalk.errors import UpstreamError
from backtalk.relay.http_client import HttpClient
from backtalk.relay.upstream import UpstreamRequest, UpstreamTarget, parse_target
from backtalk.settings import RelaySettings
from backtalk.testing.raw_upstream import Conversation, RawRequest, RawUpstream, answering
from backtalk.testing.waiting import await_until

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
GET = UpstreamRequest(b"GET", b"/v1/models", (), b"")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the product runs on."""
    return "asyncio", {"use_uvloop": True}


async def fetch(client: HttpClient, request: UpstreamRequest = GET) -> bytes:
    """The whole body of one exchange."""
    exchange = await client.send(request)
    try:
        await exchange.head()
        pieces: list[bytes] = []
        while piece := await exchange.piece():
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        exchange.release()


async def _none_idle(client: HttpClient) -> bool:
    return client.idle_connections == 0


@contextlib.asynccontextmanager
async def client_of(upstream: RawUpstream, **settings: float) -> AsyncGenerator[HttpClient]:
    """A client of this upstream."""
    client = HttpClient(parse_target(upstream.url), RelaySettings.model_validate(settings))
    yield client
    await client.aclose()


@pytest.mark.anyio
async def test_closing_leaves_no_connection_and_disturbs_no_exchange() -> None:
    """What runs may end; its connection is not kept."""
    async with RawUpstream(answering(OK)).listening() as upstream, client_of(upstream) as client:
        exchange = await client.send(GET)
        await client.aclose()
        await exchange.head()
        assert await exchange.piece() == b"ok"
        exchange.release()
        assert client.idle_connections == 0


@pytest.mark.anyio
async def test_bytes_that_nobody_asked_for_end_a_kept_connection() -> None:
    """A response to no request is never taken for the next one's."""
    evil = asyncio.Event()

    async def says_more(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.say(OK)
        if upstream.connections == 1:
            await evil.wait()
            await conversation.say(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
            await conversation.until_closed()

    async with RawUpstream(says_more).listening() as upstream, client_of(upstream) as client:
        assert await fetch(client) == b"ok"
        evil.set()
        await await_until(lambda: _none_idle(client), what="no idle connection")
        assert await fetch(client) == b"ok"
        assert upstream.connections == 2


@pytest.mark.anyio
async def test_a_host_that_does_not_exist_is_unreachable() -> None:
    """A name that cannot be resolved is an error of the upstream's."""
    client = HttpClient(UpstreamTarget("does-not-exist.invalid", 80, False, b"/v1"), RelaySettings())
    with pytest.raises(UpstreamError, match=r"does-not-exist\.invalid"):
        await client.send(GET)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate with its key, for the name localhost."""
    path = tmp_path_factory.mktemp("tls") / "cert.pem"
    key = path.with_name("key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(path)], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return path


@contextlib.asynccontextmanager
async def tls_upstream(certificate: Path) -> AsyncGenerator[int]:
    """An upstream that speaks TLS; gives its port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(OK)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.mark.anyio
async def test_tls_is_spoken_with_a_trusted_upstream(certificate: Path) -> None:
    """A certificate that is trusted and names the host: the connection is used again and again."""
    trusting = ssl.create_default_context(cafile=certificate)
    async with tls_upstream(certificate) as port:
        client = HttpClient(UpstreamTarget("localhost", port, True, b"/v1"), RelaySettings(), tls_context=trusting)
        assert [await fetch(client) for _ in range(3)] == [b"ok"] * 3
        assert client.idle_connections == 1
        await client.aclose()


@pytest.mark.anyio
async def test_a_certificate_that_is_not_trusted_is_refused(certificate: Path) -> None:
    """By default only the system's authorities are trusted."""
    async with tls_upstream(certificate) as port:
        client = HttpClient(UpstreamTarget("localhost", port, True, b"/v1"), RelaySettings())
        with pytest.raises(UpstreamError) as caught:
            await client.send(GET)
        assert caught.value.code == "upstream_unreachable"
