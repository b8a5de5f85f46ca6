"""The raw lane, through the real server, in front of an upstream that says literal bytes."""

import asyncio
import contextlib
import itertools
from collections.abc import Generator

import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtalk.testing.raw_client import RawClient, request_bytes
from backtalk.testing.raw_upstream import Conversation, RawRequest, RawUpstream, answering
from backtalk.testing.running import FrameList, error_of, proxying, relaying

CHAT = "/v1/chat/completions"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the product runs on."""
    return "asyncio", {"use_uvloop": True}


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


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
async def test_an_unreachable_upstream_is_a_502() -> None:
    """Nobody listens: the error names the place."""
    frames = FrameList()
    async with proxying("http://127.0.0.1:1", frames) as port, await RawClient.to(port) as client:
        response = await client.request("POST", CHAT, b"{}")
        assert response.status == 502
        assert error_of(response)["code"] == "upstream_unreachable"
        assert (await frames.ended()).upstream == "127.0.0.1:1"


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
@pytest.mark.parametrize(
    ("line", "coding", "status", "code"),
    [
        (b"TRACE /v1/models", b"", 405, "method_not_allowed"),
        (b"CONNECT /v1/models", b"", 405, "method_not_allowed"),
        (b"PURGE /v1/models", b"", 405, "method_not_allowed"),
        (b"POST /v1/x", b"transfer-encoding: gzip, chunked\r\n", 501, "unsupported_encoding"),
    ],
)
async def test_what_must_not_be_sent_on_is_refused(line: bytes, coding: bytes, status: int, code: str) -> None:
    """The upstream would send our key back, speak without framing, or get a body that is not what it seems."""
    frames = FrameList()
    async with relaying(answering(OK), frames, upstream_api_key="ours") as (upstream, client):
        client.send(line + b" HTTP/1.1\r\nhost: localhost\r\n" + coding + b"\r\n0\r\n\r\n"[: 7 if coding else 2])
        response = await client.response()
        assert (response.status, error_of(response)["code"]) == (status, code)
        assert (await frames.ended()).outcome == "rejected"
        assert not upstream.requests


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
