"""A WebSocket passes byte for byte: real clients and servers, and literal bytes."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from backtalk.model.frames import Part
from backtalk.testing.raw_client import RawClient
from backtalk.testing.raw_upstream import Conversation, RawRequest, RawUpstream
from backtalk.testing.running import FrameList, proxying, relaying

KEY = "sk-secret-of-the-socket"
HANDSHAKE = (
    b"GET /v1/realtime?model=m&api-key=%b HTTP/1.1\r\nhost: localhost\r\nConnection: keep-alive, Upgrade\r\n"
    b"Upgrade: WebSocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.%b\r\n\r\n" % (KEY.encode(), KEY.encode())
)
ACCEPT = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: realtime\r\n"
    b"x-request-id: req_1\r\n\r\n"
)

CHUNKS = b"3\r\nno!\r\n0\r\n\r\n"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the product runs on."""
    return "asyncio", {"use_uvloop": True}


async def echoing(socket: ServerConnection) -> None:
    """Say what is heard; close as told."""
    with contextlib.suppress(ConnectionClosed):
        async for message in socket:
            if isinstance(message, str) and message.startswith("close "):
                await socket.close(int(message[6:]), "as told")
            await socket.send(message)


@contextlib.asynccontextmanager
async def speaking(frames: FrameList, **settings: Any) -> AsyncGenerator[tuple[ServerConnection, ClientConnection]]:
    """A real server, the proxy, and a real client, connected."""
    arrived: asyncio.Future[ServerConnection] = asyncio.get_running_loop().create_future()

    async def handler(socket: ServerConnection) -> None:
        arrived.set_result(socket)
        await echoing(socket)

    async with (
        serve(handler, "127.0.0.1", 0, subprotocols=[Subprotocol("realtime")]) as server,
        proxying(f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/v1", frames, **settings) as port,
        connect(f"ws://127.0.0.1:{port}/v1/realtime?model=m", subprotocols=[Subprotocol("realtime")]) as client,
    ):
        yield await arrived, client


@pytest.mark.anyio
async def test_a_real_client_and_a_real_server_understand_each_other() -> None:
    """Sub-protocol, compression, fragments, large and binary messages, pings of both sides, ids on the 101."""
    frames = FrameList()
    async with speaking(frames) as (server, client):
        assert client.response is not None
        assert client.response.headers["x-trace-id"] == frames_trace(client)
        assert (client.subprotocol, server.subprotocol) == ("realtime", "realtime")
        assert "permessage-deflate" in client.response.headers["sec-websocket-extensions"]
        large = json.dumps({"type": "x", "text": "abc" * 200_000})
        for message in ("hi", large, b"\x00\xff" * 1000):
            await client.send(message)
            assert await client.recv() == message
        await client.send(iter(["in ", "three ", "fragments"]))
        assert await client.recv() == "in three fragments"
        await (await client.ping())
        await (await server.ping())
    closed = await frames.ended()
    assert (closed.outcome, closed.status, closed.capture) == ("completed", 101, "full")
    parts = [frame for frame in frames.frames if isinstance(frame, Part)]
    assert [part.number for part in parts] == list(range(len(parts)))
    assert sum(len(piece) for part in parts for side, piece in part.pieces if side == "server") == closed.body_bytes


def frames_trace(client: ClientConnection) -> str:
    """The trace id that the other id headers of the 101 name."""
    assert client.response is not None
    assert client.response.headers["traceresponse"].split("-")[1] in client.response.headers["x-request-id"]
    return client.response.headers["x-request-id"].split("-")[0]


@pytest.mark.anyio
@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
async def test_close_codes_pass(code: int) -> None:
    """Whoever closes, the other side hears the code and the reason."""
    frames = FrameList()
    async with speaking(frames) as (_, client):
        await client.send(f"close {code}")
        with pytest.raises(ConnectionClosed) as caught:
            await client.recv()
        assert caught.value.rcvd is not None
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (code, "as told")
    async with speaking(frames) as (server, client):
        await client.close(code, "enough")
        await server.wait_closed()
        assert (server.close_code, server.close_reason) == (code, "enough")
    await frames.ended(2)


@pytest.mark.anyio
async def test_every_byte_passes_and_no_key_is_kept() -> None:
    """Literal bytes, frames or not, in both directions; the handshake goes on with its own fields and the trace."""
    sent, said = bytes(range(256)) * 300, bytes(range(255, -1, -1)) * 300

    async def script(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.say(ACCEPT)
        assert await conversation.reader.readexactly(len(sent)) == sent
        await conversation.say(said[:1000], said[1000:])
        conversation.close()

    frames = FrameList()
    async with relaying(script, frames) as (upstream, client):
        client.send(HANDSHAKE + sent)
        response = await _head(client)
        assert b"\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in response
        assert b"\r\nconnection: Upgrade\r\nupgrade: websocket\r\n" in response
        assert b"\r\nx-upstream-request-id: req_1\r\n" in response
        assert b"transfer-encoding" not in response
        assert await client.reader.read() == said
        request = upstream.requests[0]
        assert request.line == b"GET /v1/realtime?model=m&api-key=%b HTTP/1.1" % KEY.encode()
        assert (request.values(b"connection"), request.values(b"upgrade")) == ([b"Upgrade"], [b"websocket"])
        assert KEY.encode() in request.values(b"sec-websocket-protocol")[0]
        assert request.values(b"traceparent")
        closed = await frames.ended()
    assert (closed.outcome, closed.body_bytes) == ("completed", len(said))
    assert all(KEY.encode() not in raw for raw in frames.raw)
    assert frames.opened[0].query == "model=m"


@pytest.mark.anyio
async def test_the_apps_key_is_not_sent_on_where_ours_takes_its_place() -> None:
    """Neither as a header nor among the sub-protocols."""

    async def script(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.say(ACCEPT)
        conversation.close()

    async with relaying(script, upstream_api_key="sk-ours") as (upstream, client):
        client.send(HANDSHAKE)
        await _head(client)
    assert upstream.requests[0].values(b"authorization") == [b"Bearer sk-ours"]
    assert upstream.requests[0].values(b"sec-websocket-protocol") == [b"realtime"]


@pytest.mark.anyio
async def test_without_texts_nothing_of_a_socket_is_kept() -> None:
    """Capture mode `none`: how much passed, and when, and no byte of it."""

    async def script(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.say(ACCEPT + b"what the upstream says")
        conversation.close()

    frames = FrameList()
    async with relaying(script, frames, capture={"mode": "none"}) as (_, client):
        client.send(HANDSHAKE)
        await _head(client)
        assert await client.reader.read() == b"what the upstream says"
        closed = await frames.ended()
    assert (closed.body_bytes, closed.capture) == (len(b"what the upstream says"), "none")
    assert not [frame for frame in frames.frames if isinstance(frame, Part)]


@pytest.mark.anyio
async def test_a_refused_handshake_is_an_ordinary_response() -> None:
    """Status, fields and body are the upstream's, whatever the framing."""
    for answer in (
        b"HTTP/1.1 401 No\r\ncontent-length: 3\r\nx-y: z\r\n\r\nno!",
        b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 401 No\r\nx-y: z\r\ntransfer-encoding: chunked\r\n\r\n" + CHUNKS,
        b"HTTP/1.1 401 No\r\nx-y: z\r\n\r\nno!",
    ):

        async def script(conversation: Conversation, _request: RawRequest, answer: bytes = answer) -> None:
            await conversation.say(answer)
            conversation.close()

        frames = FrameList()
        async with relaying(script, frames) as (_, client):
            client.send(HANDSHAKE)
            response = await client.response()
            assert (response.status, response.body, response.value("x-y")) == (401, b"no!", "z")
            assert response.complete
            assert (await frames.ended()).body == b"no!"


@pytest.mark.anyio
async def test_an_upstream_that_knows_no_websockets_is_heard() -> None:
    """The real client sees its status."""
    async with RawUpstream(_not_found).listening() as upstream, proxying(upstream.url) as port:
        with pytest.raises(InvalidStatus) as caught:
            await connect(f"ws://127.0.0.1:{port}/v1/realtime").__aenter__()
        assert caught.value.response.status_code == 404


@pytest.mark.anyio
async def test_an_unreachable_upstream_is_a_502_and_a_silent_socket_is_cut() -> None:
    """In OpenAI's shape before the 101; after it both sides are closed, and the call says why."""
    frames = FrameList()
    async with proxying("http://127.0.0.1:1/v1", frames) as port, await RawClient.to(port) as client:
        client.send(HANDSHAKE)
        assert (await client.response()).status == 502
    async with relaying(_accepting, frames, relay={"idle_timeout_s": 0.5}) as (_, client):
        client.send(HANDSHAKE)
        await _head(client)
        assert await client.reader.read() == b""
        closed = await frames.ended(2)
    assert (closed.outcome, closed.error) == ("upstream_timeout", "upstream_timeout")


@pytest.mark.anyio
async def test_a_client_that_is_gone_is_missed_by_the_upstream() -> None:
    """A reset on one side ends the other, and the call says who it was."""
    left = asyncio.Event()

    async def script(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.say(ACCEPT)
        await conversation.until_closed()
        left.set()

    frames = FrameList()
    async with relaying(script, frames) as (_, client):
        client.send(HANDSHAKE)
        await _head(client)
        client.close()
        await asyncio.wait_for(left.wait(), 5)
        assert (await frames.ended()).outcome == "client_disconnected"


@pytest.mark.anyio
async def test_a_client_that_leaves_during_the_handshake_is_missed_at_once() -> None:
    """The upstream is not waited for any longer."""
    asked, left = asyncio.Event(), asyncio.Event()

    async def script(conversation: Conversation, _request: RawRequest) -> None:
        asked.set()
        await conversation.until_closed()
        left.set()

    frames = FrameList()
    async with relaying(script, frames) as (_, client):
        client.send(HANDSHAKE)
        await asyncio.wait_for(asked.wait(), 5)
        client.close()
        await asyncio.wait_for(left.wait(), 5)
        assert (await frames.ended()).outcome == "client_disconnected"


async def _head(client: RawClient) -> bytes:
    return await asyncio.wait_for(client.reader.readuntil(b"\r\n\r\n"), 5)


async def _accepting(conversation: Conversation, _request: RawRequest) -> None:
    await conversation.say(ACCEPT)
    await conversation.until_closed()


async def _not_found(conversation: Conversation, _request: RawRequest) -> None:
    await conversation.say(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
