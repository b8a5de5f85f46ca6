"""One connection to the upstream, whatever it says, seen through the whole proxy."""

import contextlib

import pytest

from backtalk.testing.raw_client import request_bytes
from backtalk.testing.raw_upstream import Conversation, RawRequest, answering
from backtalk.testing.running import FrameList, error_of, relaying
from backtalk.testing.waiting import await_until

CHAT = "/v1/chat/completions"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the product runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("said", "status", "body"),
    [
        (b"HTTP/1.1 299 Odd\r\ncontent-length: 1\r\n\r\nx", 299, b"x"),
        (b"HTTP/1.1 599 \r\ncontent-length: 1\r\n\r\nx", 599, b"x"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", 304, b""),
        (b"HTTP/1.1 429 Slow\r\ncontent-length: 9\r\nretry-after: 1\r\n\r\nnot json{", 429, b"not json{"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: x\r\n\r\n" + OK, 200, b"{}"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, b"until the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nold", 200, b"old"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}garbage after", 200, b"{}"),
    ],
)
async def test_every_framing_and_status_passes(said: bytes, status: int, body: bytes) -> None:
    """Status and body are the upstream's, the response is whole, and the next call is served."""

    async def once(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.say(said)
        conversation.close()

    frames = FrameList()
    async with relaying(once, frames) as (upstream, client):
        response = await client.request("POST", CHAT, b"{}")
        assert (response.status, response.body, response.complete) == (status, body, True)
        assert (await frames.ended()).outcome == "completed"
        upstream.script = answering(OK)
        assert (await client.request("POST", CHAT, b"{}")).status == 200


@pytest.mark.anyio
async def test_head_has_the_length_and_no_body() -> None:
    """HEAD passes the upstream's content-length and waits for no body."""
    async with relaying(answering(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n")) as (_, client):
        client.send(request_bytes("HEAD", "/v1/models"))
        response = await client.response(head_only=True)
        assert (response.status, response.value("content-length"), response.body) == (200, "99", b"")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"not http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000,
        b"".join(b"x%d: %b\r\n" % (n, b"y" * 1000) for n in range(100)).join((b"HTTP/1.1 200 OK\r\n", b"\r\n")),
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ],
)
async def test_what_is_no_response_is_a_502(said: bytes) -> None:
    """A connection without a response, or with nonsense, becomes a clear error with the ids; the next is served."""

    async def once(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.say(said)
        conversation.close()

    frames = FrameList()
    async with relaying(once, frames) as (upstream, client):
        response = await client.request("POST", CHAT, b"{}")
        assert response.status == 502
        assert error_of(response)["type"] == "upstream_error"
        closed = await frames.ended()
        assert (closed.outcome, closed.status) == ("upstream_error", 502)
        upstream.script = answering(OK)
        assert (await client.request("POST", CHAT, b"{}")).status == 200


@pytest.mark.anyio
@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
    ],
)
async def test_a_response_cut_midway_is_seen_as_cut(said: bytes) -> None:
    """What came before the cut reaches the client; the response is not whole, and recorded as upstream_error."""

    async def once(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.say(said)
        conversation.close()

    frames = FrameList()
    async with relaying(once, frames) as (_, client):
        response = await client.request("POST", CHAT, b"{}")
        assert (response.status, response.body, response.complete) == (200, b"half", False)
        closed = await frames.ended()
        assert (closed.outcome, closed.body) == ("upstream_error", b"half")


@pytest.mark.anyio
async def test_connections_to_the_upstream_are_used_again() -> None:
    """Many calls one after the other share one connection."""
    async with relaying(answering(OK)) as (upstream, client):
        for _ in range(20):
            assert (await client.request("POST", CHAT, b"{}")).status == 200
        assert upstream.connections == 1


@pytest.mark.anyio
async def test_a_kept_connection_that_was_closed_costs_no_call() -> None:
    """The upstream closes a kept connection as the next request arrives: it is sent once more, on a fresh one."""

    async def closes_second(conversation: Conversation, request: RawRequest) -> None:
        if request.body == b"2" and upstream.connections == 1:
            conversation.cut()
        else:
            await conversation.say(OK)

    async with relaying(closes_second) as (upstream, client):
        assert (await client.request("POST", CHAT, b"1")).status == 200
        assert (await client.request("POST", CHAT, b"2")).status == 200
        assert [r.body for r in upstream.requests] == [b"1", b"2", b"2"]


@pytest.mark.anyio
async def test_a_fresh_connection_that_is_closed_is_not_tried_again() -> None:
    """A request that the upstream may have worked on is never repeated."""

    async def closes(conversation: Conversation, _request: RawRequest) -> None:
        conversation.cut()

    async with relaying(closes) as (upstream, client):
        assert (await client.request("POST", CHAT, b"1")).status == 502
        assert len(upstream.requests) == 1


@pytest.mark.anyio
async def test_a_slow_reader_holds_the_upstream_back() -> None:
    """A client that does not read stops the upstream from sending: nothing piles up in the proxy."""
    sent = 0
    seen: list[int] = []
    piece = b"x" * 65_536

    async def floods(conversation: Conversation, _request: RawRequest) -> None:
        nonlocal sent
        await conversation.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (len(piece) * 500))
        with contextlib.suppress(ConnectionError):
            for _ in range(500):
                await conversation.say(piece)
                sent += len(piece)

    async def still() -> bool:
        seen.append(sent)
        return sent > 0 and seen[-20:] == [sent] * 20

    async with relaying(floods, capture={"call_bytes": 1}) as (_, client):
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.send(request_bytes("POST", CHAT, b"{}"))
        await await_until(still, what="a standstill of the upstream")
        assert sent < 25_000_000
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        response = await client.response()
        assert len(response.body) == len(piece) * 500
