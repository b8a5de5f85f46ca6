"""The raw lane, through the real server, in front of an upstream that says literal bytes."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtalk.testing.raw_client import RawClient, RawResponse, request_bytes
from backtalk.testing.raw_upstream import Conversation, RawRequest, RawUpstream, Script, answering
from backtalk.testing.running import FrameList, proxying

CHAT = "/v1/chat/completions"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
QUICK = {"connect_timeout_s": 2.0, "idle_timeout_s": 0.3, "total_timeout_s": 5.0}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the product runs on."""
    return "asyncio", {"use_uvloop": True}


@contextlib.asynccontextmanager
async def relaying(
    script: Script, frames: FrameList | None = None, *, before_body: bool = False, **tree: Any
) -> AsyncGenerator[tuple[RawUpstream, RawClient]]:
    """An upstream, the proxy before it, and a client before that."""
    async with (
        RawUpstream(script, before_body=before_body).listening() as upstream,
        proxying(upstream.url, frames, **tree) as port,
        await RawClient.to(port) as client,
    ):
        yield upstream, client


def error_of(response: RawResponse) -> dict[str, object]:
    """The error of an OpenAI-shaped body, whose trace id is the header's."""
    error: dict[str, object] = json.loads(response.body)["error"]
    assert error["trace_id"] == response.value("x-trace-id")
    return error


def chunked(pieces: list[bytes]) -> bytes:
    """A chunked response of these pieces."""
    chunks = b"".join(b"%x;odd=1\r\n%b\r\n" % (len(p), p) for p in pieces if p)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + chunks + b"0\r\nx-trailer: 1\r\n\r\n"


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    """Data in segments, cut at positions modulo its length."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


Standing = tuple[asyncio.Runner, RawUpstream, int, FrameList]


@pytest.fixture
def standing() -> Generator[Standing]:
    """Upstream and proxy that stand through all examples of a property."""
    frames = FrameList()
    upstream = RawUpstream(answering(OK))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stack = contextlib.AsyncExitStack()

        async def start() -> int:
            await stack.enter_async_context(upstream.listening())
            return await stack.enter_async_context(proxying(upstream.url, frames))

        try:
            yield runner, upstream, runner.run(start()), frames
        finally:
            runner.run(stack.aclose())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sent=st.binary(max_size=3000),
    pieces=st.lists(st.binary(min_size=1, max_size=2000), max_size=6),
    cuts=st.lists(st.integers(0, 10_000), max_size=6),
)
def test_any_bytes_split_anywhere_arrive_unchanged_in_both_directions(
    standing: Standing, sent: bytes, pieces: list[bytes], cuts: list[int]
) -> None:
    """Whatever the bytes and wherever the segments end, both bodies are what the other side sent."""
    runner, upstream, port, frames = standing
    upstream.script = answering(*split(chunked(pieces), cuts))

    async def check() -> None:
        frames.frames.clear()
        async with await RawClient.to(port) as client:
            client.send(*split(request_bytes("POST", CHAT, sent), cuts))
            response = await client.response()
        assert response.complete
        assert response.body == b"".join(pieces)
        assert upstream.requests[-1].body == sent
        closed = await frames.ended()
        assert (closed.body, closed.outcome) == (response.body, "completed")
        copy = frames.opened[0].body
        assert sent == (frames.requested[0].body if copy is None else copy)

    runner.run(check())


@pytest.mark.anyio
@pytest.mark.parametrize("size", [0, 1, 65_536, 300_000, 5_000_000])
async def test_large_bodies_pass_in_both_directions(size: int) -> None:
    """A body of any size passes; beyond the copy's limit, size and sha256 are kept."""
    body = bytes(i % 251 for i in range(size))
    frames = FrameList()

    async def echo(conversation: Conversation, request: RawRequest) -> None:
        await conversation.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(request.body), request.body)

    async with relaying(echo, frames, capture={"call_bytes": 100_000}) as (upstream, client):
        response = await client.request("POST", CHAT, body)
        assert response.body == body
        assert upstream.requests[0].body == body
        closed = await frames.ended()
        assert closed.body_bytes == size
        assert closed.capture == ("truncated" if size > 100_000 else "full")
        assert len(closed.body) == min(size, 100_000)


@pytest.mark.anyio
async def test_a_request_reaches_the_upstream_as_it_was_sent() -> None:
    """Path, query, order and repetition of fields stay; what belongs to the connection does not."""
    async with relaying(answering(OK)) as (upstream, client):
        client.send(
            b"POST /v1/a%20b/%C3%A4?q=1&q=%2F&&x HTTP/1.1\r\nHost: proxy\r\nX-B: 1\r\nX-A: 2\r\nX-B: 3\r\n"
            b"Connection: keep-alive, x-hop\r\nX-Hop: drop\r\nTE: trailers\r\nAuthorization: Bearer sk-1\r\n"
            b"Content-Length: 3\r\n\r\nabc"
        )
        assert (await client.response()).status == 200
        request = upstream.requests[0]
        assert request.line == b"POST /v1/a%20b/%C3%A4?q=1&q=%2F&&x HTTP/1.1"
        names = [name for name, _ in request.fields if name.startswith(b"x-")]
        assert names == [b"x-b", b"x-a", b"x-b"]
        assert request.values(b"x-b") == [b"1", b"3"]
        assert request.values(b"host") == [f"127.0.0.1:{upstream.port}".encode()]
        assert request.values(b"authorization") == [b"Bearer sk-1"]
        assert not request.values(b"te") + request.values(b"connection")
        assert request.values(b"content-length") == [b"3"]


@pytest.mark.anyio
async def test_a_configured_key_replaces_the_clients() -> None:
    """With a key of the upstream in the settings, no credential of the client goes out."""
    async with relaying(answering(OK), upstream_api_key="sk-ours") as (upstream, client):
        fields = (("authorization", "Bearer sk-theirs"), ("x-api-key", "sk-theirs"))
        await client.request("POST", CHAT, b"{}", fields=fields)
        assert upstream.requests[0].values(b"authorization") == [b"Bearer sk-ours"]
        assert b"sk-theirs" not in upstream.requests[0].head


@pytest.mark.anyio
async def test_trace_context_goes_on_as_the_calls_own_span() -> None:
    """The upstream sees the trace id of the app and the call's span as the parent, tracestate included."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    fields = (("TraceParent", f"00-{trace}-00f067aa0ba902b7-00"), ("tracestate", "a=1"), ("tracestate", "b=2"))
    frames = FrameList()
    async with relaying(answering(OK), frames) as (upstream, client):
        response = await client.request("POST", CHAT, b"{}", fields=fields)
        closed = await frames.ended()
        opened = frames.opened[0]
        assert upstream.requests[0].values(b"traceparent") == [f"00-{trace}-{closed.span_id}-00".encode()]
        assert upstream.requests[0].values(b"tracestate") == [b"a=1,b=2"]
        assert response.value("x-request-id") == f"{trace}-{closed.span_id}"
        assert (opened.trace_id, opened.parent_span_id, opened.trace_flags) == (trace, "00f067aa0ba902b7", 0)


@pytest.mark.anyio
async def test_trace_context_is_left_alone_when_switched_off() -> None:
    """Without forwarding, the app's own traceparent passes as any field does."""
    fields = (("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),)
    async with relaying(answering(OK), relay={"forward_trace_context": False}) as (upstream, client):
        await client.request("POST", CHAT, b"{}", fields=fields)
        assert upstream.requests[0].values(b"traceparent") == [fields[0][1].encode()]


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
async def test_an_unreachable_upstream_is_a_502() -> None:
    """Nobody listens: the error names the place."""
    frames = FrameList()
    async with proxying("http://127.0.0.1:1", frames) as port, await RawClient.to(port) as client:
        response = await client.request("POST", CHAT, b"{}")
        assert response.status == 502
        assert error_of(response)["code"] == "upstream_unreachable"
        assert (await frames.ended()).upstream == "127.0.0.1:1"


@pytest.mark.anyio
async def test_a_silent_upstream_is_a_504_and_its_connection_is_closed() -> None:
    """No byte within the idle limit, before the head."""
    gone = asyncio.Event()

    async def silent(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.until_closed()
        gone.set()

    frames = FrameList()
    async with relaying(silent, frames, relay=QUICK) as (_, client):
        response = await client.request("POST", CHAT, b"{}")
        assert (response.status, error_of(response)["code"]) == (504, "upstream_timeout")
        assert (await frames.ended()).outcome == "upstream_timeout"
        async with asyncio.timeout(2):
            await gone.wait()


@pytest.mark.anyio
async def test_a_stream_that_falls_silent_is_cut() -> None:
    """Silence between pieces counts as well."""

    async def stalls(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n")
        await conversation.until_closed()

    frames = FrameList()
    async with relaying(stalls, frames, relay=QUICK) as (_, client):
        response = await client.request("POST", CHAT, b"{}")
        assert (response.body, response.complete) == (b"x", False)
        assert (await frames.ended()).outcome == "upstream_timeout"


@pytest.mark.anyio
async def test_a_stream_that_never_ends_is_cut() -> None:
    """A call that is busy all the time still ends at the total limit."""

    async def babbles(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not conversation.writer.is_closing():
                await conversation.say(b"1\r\nx\r\n")
                await asyncio.sleep(0.01)

    frames = FrameList()
    async with relaying(babbles, frames, relay={**QUICK, "total_timeout_s": 0.4}) as (_, client):
        response = await client.request("POST", CHAT, b"{}")
        assert not response.complete
        assert (await frames.ended()).outcome == "upstream_timeout"


@pytest.mark.anyio
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n"])
async def test_a_client_that_leaves_cancels_the_upstream(said: bytes) -> None:
    """Before the first byte or in the middle of a stream: the upstream's connection closes within a second."""
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def waits(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.say(said)
        arrived.set()
        await conversation.until_closed()
        gone.set()

    frames = FrameList()
    async with relaying(waits, frames) as (_, client):
        client.send(request_bytes("POST", CHAT, b"{}"))
        if said:
            await client.response(head_only=True)
        async with asyncio.timeout(1):
            await arrived.wait()
            client.close()
            await gone.wait()
        closed = await frames.ended()
        assert closed.outcome == "client_disconnected"
        assert closed.body == (b"x" if said else b"")


@pytest.mark.anyio
async def test_the_first_piece_is_not_held_back() -> None:
    """A piece reaches the client while the upstream still waits to say the next."""
    go_on = asyncio.Event()

    async def slow(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        await go_on.wait()
        await conversation.say(b"1\r\nx\r\n0\r\n\r\n")

    async with relaying(slow) as (_, client):
        client.send(request_bytes("POST", CHAT, b"{}"))
        assert (await client.response(head_only=True)).status == 200
        go_on.set()
        assert (await client.reader.read(100)).endswith(b"x\r\n0\r\n\r\n")


@pytest.mark.anyio
@pytest.mark.parametrize("framing", ["content-length", "chunked"])
async def test_a_body_above_the_limit_is_refused(framing: str) -> None:
    """413 says what is allowed: by its length before it is read, by its pieces once they exceed it."""
    frames = FrameList()
    async with relaying(answering(OK), frames, relay={"body_limit_bytes": 1000}) as (upstream, client):
        if framing == "content-length":
            client.send(b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 1001\r\n\r\n")
        else:
            client.send(b"POST /v1/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
            client.send(b"1f4\r\n%b\r\n" % (b"x" * 500) * 3)
        response = await client.response()
        assert response.status == 413
        assert "1000" in str(error_of(response)["message"])
        assert (await frames.ended()).outcome == "rejected"
        assert not upstream.requests


@pytest.mark.anyio
async def test_an_upload_streams_and_an_early_answer_is_heard() -> None:
    """The upstream may answer before the body is complete; its connection is not used again."""
    answer = b"HTTP/1.1 400 Bad\r\ncontent-length: 3\r\n\r\nbad"
    async with relaying(answering(answer), before_body=True) as (upstream, client):
        client.send(b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf")
        response = await client.response()
        assert (response.status, response.body) == (400, b"bad")
        client.send(b"x" * 96, request_bytes("POST", CHAT, b""))
        assert (await client.response()).status == 400
        assert upstream.connections == 2


@pytest.mark.anyio
async def test_expect_100_continue_is_answered() -> None:
    """A client that waits for 100 gets it, and its body arrives."""
    async with relaying(answering(OK)) as (upstream, client):
        client.send(b"POST /v1/x HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n")
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(b"abc")
        assert (await client.response()).status == 200
        assert upstream.requests[0].body == b"abc"
        assert not upstream.requests[0].values(b"expect")


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/v1/../secret", "/v1/a/%2e%2E/b", "/v1/./x", "/v1/..%2fx"])
async def test_dot_segments_do_not_climb_out_of_the_base(path: str) -> None:
    """A path cannot leave the upstream's base URL."""
    async with relaying(answering(OK)) as (upstream, client):
        response = await client.request("POST", path, b"{}")
        assert (response.status, error_of(response)["code"]) == (400, "bad_path")
        assert not upstream.requests


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
    piece = b"x" * 65_536

    async def floods(conversation: Conversation, _request: RawRequest) -> None:
        nonlocal sent
        await conversation.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (len(piece) * 500))
        with contextlib.suppress(ConnectionError):
            for _ in range(500):
                await conversation.say(piece)
                sent += len(piece)

    async with relaying(floods, capture={"call_bytes": 1}) as (_, client):
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.send(request_bytes("POST", CHAT, b"{}"))
        before = -1
        while sent != before:
            before = sent
            await asyncio.sleep(0.2)
        assert sent < 25_000_000
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        response = await client.response()
        assert len(response.body) == len(piece) * 500


@pytest.mark.anyio
async def test_pipelined_calls_are_answered_in_their_order() -> None:
    """Requests sent at once are answered one after the other."""

    async def echo(conversation: Conversation, request: RawRequest) -> None:
        await conversation.say(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n" + request.body)

    async with relaying(echo) as (_, client):
        client.send(b"".join(request_bytes("POST", CHAT, b"%d" % n) for n in range(5)))
        data = b""
        while data.count(b"HTTP/1.1") < 5 or not data.endswith(b"4"):
            data += await client.reader.read(65_536)
        assert [part[-1:] for part in data.split(b"HTTP/1.1 200 OK")[1:]] == [b"0", b"1", b"2", b"3", b"4"]


@pytest.mark.anyio
async def test_no_secret_reaches_a_frame() -> None:
    """Credentials, cookies and unlisted fields are in no frame, of either direction."""
    canary = "canary-7f3a"
    names = ("authorization", "x-api-key", "api-key", "cookie", "proxy-authorization", "x-other", "openai-organization")
    fields = tuple((name, f"Bearer {canary}") for name in names)
    said = b"HTTP/1.1 200 OK\r\nset-cookie: canary-7f3a\r\nx-other: canary-7f3a\r\ncontent-length: 2\r\n\r\n{}"
    frames = FrameList()
    async with relaying(answering(said), frames, session={"header": "Authorization"}) as (_, client):
        await client.request("POST", CHAT, b"{}", fields=fields)
        await frames.ended()
        assert canary.encode() not in b"".join(frames.raw)
        assert len(frames.opened[0].tenant) == 32
