"""What the HTTP parser refuses, over a real socket."""

import asyncio
import contextlib
import json

import pytest

from backtalk.testing.raw_client import RawClient, RawResponse, request_bytes
from backtalk.testing.raw_upstream import Conversation, RawRequest, RawUpstream, answering
from backtalk.testing.running import FrameList, not_here, proxying, relaying, serving

CHAT = "/v1/chat/completions"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
HEAD = b"POST /v1/x HTTP/1.1\r\nhost: x\r\n"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the product runs on."""
    return "asyncio", {"use_uvloop": True}


def assert_refused(response: RawResponse, status: int) -> None:
    """The answer is OpenAI-shaped, carries consistent ids and nothing of uvicorn's."""
    assert response.status == status
    assert response.complete
    assert response.value("content-type") == "application/json"
    error = json.loads(response.body)["error"]
    trace_id, span_id = str(response.value("x-request-id")).split("-")
    assert error["trace_id"] == response.value("x-trace-id") == trace_id
    assert str(response.value("traceresponse")).startswith(f"00-{trace_id}-{span_id}-")
    assert error["type"] == "invalid_request_error"
    assert b"Traceback" not in response.body


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01", 400),
        (b"POST /v1/x HTTP/9.9\r\n\r\n", 400),
        (b"GET /v1/x HTTP/2.0\r\n\r\n", 505),
        (b"GET /v1/x\r\n\r\n", 505),
        (b"POST  HTTP/1.1\r\n\r\n", 400),
        (HEAD + b"content-length: -1\r\n\r\n", 400),
        (HEAD + b"content-length: 1e3\r\n\r\n", 400),
        (HEAD + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab", 400),
        (HEAD + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"transfer-encoding: gzip\r\n\r\n", 501),
        (HEAD + b"x-a: b\rx-injected: 1\r\n\r\n", 400),
        (HEAD + b"x-a: \x00\r\n\r\n", 400),
        (HEAD + b"x a: b\r\n\r\n", 400),
        (HEAD + b"x-a: " + b"y" * 300_000 + b"\r\n\r\n", 431),
        (HEAD + b"".join(b"x-%d: %b\r\n" % (n, b"y" * 500) for n in range(200)) + b"\r\n", 431),
        (b"GET /v1/" + b"a" * 200_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", 414),
    ],
)
async def test_what_is_no_request_is_refused_in_openais_shape(sent: bytes, status: int) -> None:
    """No app and no upstream is asked; another connection is served as if nothing had been."""
    frames = FrameList()
    async with RawUpstream(answering(OK)).listening() as upstream, proxying(upstream.url, frames) as port:
        async with await RawClient.to(port) as client:
            client.send(sent)
            assert_refused(await client.response(), status)
            assert await client.reader.read() == b""
        async with await RawClient.to(port) as client:
            assert (await client.request("POST", CHAT, b"{}")).status == 200
        assert len(upstream.requests) == 1
        assert [c.outcome for c in frames.closed][-1:] == ["completed"]


@pytest.mark.anyio
async def test_a_field_without_end_is_refused_before_it_ends() -> None:
    """Not even the end of the head is waited for."""
    async with (
        RawUpstream(answering(OK)).listening() as upstream,
        proxying(upstream.url) as port,
        await RawClient.to(port) as client,
    ):
        client.send(HEAD + b"x-a: ")
        for _ in range(40):
            client.send(b"y" * 10_000)
            await asyncio.sleep(0)
        assert_refused(await client.response(), 431)


@pytest.mark.anyio
async def test_a_malformed_body_is_refused_under_the_calls_own_ids() -> None:
    """An invalid chunk after good ones: 400, recorded as rejected with the ids that the client saw."""
    frames = FrameList()
    async with (
        RawUpstream(answering(OK)).listening() as upstream,
        proxying(upstream.url, frames) as port,
        await RawClient.to(port) as client,
    ):
        client.send(HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await asyncio.sleep(0)
        client.send(b"zz\r\nnot a chunk\r\n")
        response = await client.response()
        assert_refused(response, 400)
        closed = await frames.ended()
        assert (closed.outcome, closed.status) == ("rejected", 400)
        assert str(response.value("x-request-id")).endswith(closed.span_id)
        assert await client.reader.read() == b""


@pytest.mark.anyio
async def test_a_refusal_waits_for_the_response_before_it() -> None:
    """Garbage behind a good request: the good one is answered in full, then the refusal, then the end."""
    async with (
        RawUpstream(answering(OK)).listening() as upstream,
        proxying(upstream.url) as port,
        await RawClient.to(port) as client,
    ):
        client.send(request_bytes("POST", CHAT, b"{}") + b"GARBAGE\r\n\r\n")
        data = await client.reader.read()
        first, second = data.split(b"HTTP/1.1 ")[1:]
        assert first.startswith(b"200")
        assert first.endswith(b"{}")
        assert second.startswith(b"400")


@pytest.mark.anyio
async def test_an_upgrade_is_served_as_a_plain_request() -> None:
    """A client that would like HTTP/2 gets its answer over HTTP/1.1."""
    async with RawUpstream(answering(OK)).listening() as upstream, proxying(upstream.url) as port:
        async with await RawClient.to(port) as client:
            chunks = (
                HEAD + b"connection: upgrade\r\nupgrade: h2c\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
            )
            fields = (("connection", "Upgrade, HTTP2-Settings"), ("upgrade", "h2c"), ("http2-settings", "AAMAAABk"))
            assert (await client.request("POST", CHAT, b"{}", fields=fields)).status == 200
            assert upstream.requests[0].body == b"{}"
            assert not upstream.requests[0].values(b"upgrade")
        async with await RawClient.to(port) as client:
            client.send(chunks + HEAD + b"content-length: 1\r\n\r\nX")
            assert (await client.response()).status == 200
            assert upstream.requests[1].body == b"{}", "what is sent behind the wish is no part of its body"


@pytest.mark.anyio
async def test_an_http_1_0_client_gets_a_body_it_understands() -> None:
    """No chunks for a client that does not know them."""
    said = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    async with (
        RawUpstream(answering(said)).listening() as upstream,
        proxying(upstream.url) as port,
        await RawClient.to(port) as client,
    ):
        client.send(b"GET /v1/models HTTP/1.0\r\n\r\n")
        data = await client.reader.read()
        assert data.endswith(b"\r\n\r\nabc")
        assert b"chunked" not in data


@pytest.mark.anyio
@pytest.mark.parametrize("sent", [b"", request_bytes("GET", "/")])
async def test_a_connection_that_says_nothing_is_closed(sent: bytes) -> None:
    """Before the first request and after the last; while requests come it stays open."""
    async with serving(not_here, keep_alive_s=0.3) as port, await RawClient.to(port) as client:
        client.send(sent)
        async with asyncio.timeout(5):
            data = await client.reader.read()
        assert data.count(b"HTTP/1.1 404") == (1 if sent else 0)


@pytest.mark.anyio
@pytest.mark.parametrize("piece", [b"x-1: a\r\n" * 1000, b"a" * 10_000])
async def test_trailers_without_end_are_refused(piece: bytes) -> None:
    """Nobody reads them, and they are not kept: many fields or one."""
    async with RawUpstream(answering(OK)).listening() as upstream, proxying(upstream.url) as port:
        async with await RawClient.to(port) as client:
            client.send(HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx: ")
            client.send(piece * 100)
            assert_refused(await client.response(), 431)
        async with await RawClient.to(port) as client:
            assert (await client.request("POST", "/v1/x", b"{}")).status == 200


@pytest.mark.anyio
async def test_short_trailers_and_extensions_are_let_go() -> None:
    """They belong to the connection, and do not reach the upstream."""
    async with RawUpstream(answering(OK)).listening() as upstream, proxying(upstream.url) as port:
        async with await RawClient.to(port) as client:
            client.send(HEAD + b"transfer-encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nx-a: b\r\n\r\n")
            assert (await client.response()).status == 200
        assert upstream.requests[0].body == b"{}"
        assert not upstream.requests[0].values(b"x-a")


@pytest.mark.anyio
@pytest.mark.parametrize("sent", [b"", b"{"])
async def test_a_body_that_stands_still_is_given_up(sent: bytes) -> None:
    """The client is told why; nothing waits for it for ever, neither here nor at the upstream."""
    frames = FrameList()
    async with (
        RawUpstream(answering(OK)).listening() as upstream,
        proxying(upstream.url, frames, keep_alive_s=0.1) as port,
        await RawClient.to(port) as client,
    ):
        client.send(HEAD + b"content-length: 10\r\n\r\n" + sent)
        assert_refused(await client.response(), 408)
        assert await client.reader.read() == b""
        assert (await frames.ended()).error == "body_timeout"


@pytest.mark.anyio
async def test_a_client_that_reads_nothing_is_left() -> None:
    """Its answer is not kept for it without end."""

    async def pour(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.say(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                await conversation.say(bytes(100_000))

    frames = FrameList()
    async with RawUpstream(pour).listening() as upstream, proxying(upstream.url, frames, keep_alive_s=0.2) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        writer.write(request_bytes("POST", "/v1/x", b"{}"))
        assert (await frames.ended()).outcome == "client_disconnected"
        writer.transport.abort()
        assert not reader.at_eof()


@pytest.mark.anyio
async def test_requests_that_wait_are_bounded() -> None:
    """A connection may send ahead, but not without end."""
    async with relaying(answering(OK)) as (_, client):
        client.send(request_bytes("POST", "/v1/x", b"{}") * 150)
        data = await client.reader.read()
    assert data.count(b"HTTP/1.1 200 OK") == 101
    assert data.count(b"HTTP/1.1 429") == 1
