"""One request and its response on a connection, whatever the segments and whoever the client."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import Generator

import httptools
import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtalk.model.exchange import ClientExchange, Serve
from backtalk.testing.raw_client import RawClient, request_bytes
from backtalk.testing.running import not_here, serving
from backtalk.testing.waiting import await_until


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the product runs on."""
    return "asyncio", {"use_uvloop": True}


async def echo(client: ClientExchange) -> None:
    """Answer with what came: method, target and body."""
    body, more = await client.receive()
    while more:
        piece, more = await client.receive()
        body += piece
    head = client.head
    client.start(200, [(b"x-target", head.raw_path + b"?" + head.query), (b"x-method", head.method.encode())])
    client.write(body, more=False)


def calls(path: str) -> Serve | None:
    """Everything under /v1/ is echoed."""
    return echo if path.startswith("/v1/") else None


class Answers:
    """Splits what a server said into its responses."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)

    def on_message_begin(self) -> None:
        """A response begins."""
        self.bodies.append(b"")

    def on_body(self, piece: bytes) -> None:
        """A piece of its body."""
        self.bodies[-1] += piece

    @classmethod
    def of(cls, data: bytes) -> list[bytes]:
        """The bodies of all responses in `data`."""
        answers = cls()
        answers._parser.feed_data(data)
        return answers.bodies


@pytest.fixture
def standing() -> Generator[tuple[asyncio.Runner, int]]:
    """A server that stands through all examples of a property."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stack = contextlib.AsyncExitStack()
        port = runner.run(stack.enter_async_context(serving(not_here, calls=calls)))
        try:
            yield runner, port
        finally:
            runner.run(stack.aclose())


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bodies=st.lists(st.tuples(st.binary(max_size=1500), st.booleans()), min_size=1, max_size=4),
    cuts=st.lists(st.integers(0, 8000), max_size=8),
)
def test_any_requests_in_any_segments_are_answered_in_their_order(
    standing: tuple[asyncio.Runner, int], bodies: list[tuple[bytes, bool]], cuts: list[int]
) -> None:
    """Pipelined or not, with a length or in chunks, wherever segments end: each answer holds its request's body."""
    runner, port = standing
    sent = b"".join(_chunked(body) if in_chunks else request_bytes("POST", "/v1/x", body) for body, in_chunks in bodies)
    places = sorted({cut % (len(sent) + 1) for cut in cuts} | {0, len(sent)})

    async def check() -> None:
        async with await RawClient.to(port) as client:
            data = b""
            for begin, end in itertools.pairwise(places):
                client.send(sent[begin:end])
                await client.writer.drain()
                await asyncio.sleep(0)
            async with asyncio.timeout(10):
                while data.count(b"0\r\n\r\n") < len(bodies) or len(Answers.of(data)) < len(bodies):
                    data += await client.reader.read(65_536)
        assert Answers.of(data) == [body for body, _ in bodies]

    runner.run(check())


@pytest.mark.anyio
async def test_calls_and_apps_share_a_connection() -> None:
    """What is no call goes to the ASGI app, between two calls."""
    async with serving(not_here, calls=calls) as port, await RawClient.to(port) as client:
        for path, status in (("/v1/x", 200), ("/elsewhere", 404), ("/v1/y?a=1", 200)):
            assert (await client.request("POST", path, b"{}")).status == status


@pytest.mark.anyio
async def test_a_client_that_waits_for_100_gets_it_once() -> None:
    """It comes when the body is asked for, and not again."""
    async with serving(not_here, calls=calls) as port, await RawClient.to(port) as client:
        client.send(b"POST /v1/x HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 6\r\n\r\n")
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(b"abc")
        client.send(b"def")
        response = await client.response()
        assert (response.status, response.body) == (200, b"abcdef")


@pytest.mark.anyio
async def test_an_old_client_is_told_the_end_by_the_connections() -> None:
    """HTTP/1.0 knows no chunks and no second request."""
    async with serving(not_here, calls=calls) as port, await RawClient.to(port) as client:
        client.send(b"POST /v1/x HTTP/1.0\r\ncontent-length: 3\r\n\r\nabc")
        data = await client.reader.read()
        assert data.endswith(b"connection: close\r\n\r\nabc")
        assert b"chunked" not in data


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "method"), [(204, "POST"), (304, "POST"), (200, "HEAD")], ids=["no content", "not modified", "head"]
)
async def test_where_no_body_belongs_none_is_sent(status: int, method: str) -> None:
    """Whatever is written; the next request on the connection is answered."""

    async def serve(client: ClientExchange) -> None:
        client.start(status, [(b"content-length", b"5")] if status == 200 else [])
        client.write(b"hello", more=False)

    async with serving(not_here, calls=lambda _: serve) as port, await RawClient.to(port) as client:
        for _ in range(2):
            client.send(request_bytes(method, "/v1/x"))
            head = await client.reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 %d" % status)
            assert b"chunked" not in head


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fields", "pieces"),
    [
        ([(b"content-length", b"10")], [b"half"]),
        ([(b"content-length", b"2")], [b"too long"]),
        ([], [b"half", b""]),
        ([(b"x", b"1\r\nx-injected: 2")], []),
    ],
)
async def test_who_answers_wrongly_hurts_this_response_alone(
    fields: list[tuple[bytes, bytes]], pieces: list[bytes]
) -> None:
    """A length that is not kept, an end that is not said, a field that would break the head: cut, or a 500."""

    async def serve(client: ClientExchange) -> None:
        client.start(200, fields)
        for piece in pieces[:1]:
            client.write(piece, more=len(pieces) > 1)

    def only_bad(path: str) -> Serve | None:
        return serve if path == "/v1/bad" else calls(path)

    async with serving(not_here, calls=only_bad) as port:
        async with await RawClient.to(port) as client:
            response = await client.request("POST", "/v1/bad", b"{}")
            assert response.value("x-injected") is None
            assert (response.status, response.complete) in ((200, False), (500, True))
            if response.status == 500:
                assert json.loads(response.body)["error"]["trace_id"] == response.value("x-trace-id")
        async with await RawClient.to(port) as client:
            assert (await client.request("POST", "/v1/x", b"{}")).status == 200


@pytest.mark.anyio
async def test_a_body_that_nobody_asks_for_waits_at_the_client() -> None:
    """A little of it is taken in, the rest stays where it is until it is asked for; then all of it comes."""
    go_on = asyncio.Event()

    async def serve(client: ClientExchange) -> None:
        await go_on.wait()
        await echo(client)

    size = 30_000_000
    async with serving(not_here, calls=lambda _: serve) as port, await RawClient.to(port) as client:
        client.send(request_bytes("POST", "/v1/x", b"x" * size))
        seen: list[int] = []

        async def still() -> bool:
            seen.append(client.writer.transport.get_write_buffer_size())
            return seen[-20:] == [seen[-1]] * 20

        await await_until(still, what="a standstill of the client")
        assert seen[-1] > size / 2
        go_on.set()
        response = await client.response()
        assert len(response.body) == size


@pytest.mark.anyio
async def test_a_client_that_says_no_more_is_as_one_that_left() -> None:
    """Half-closed before its body is whole: nobody is answered, and the server goes on."""
    ends: list[Exception] = []

    async def serve(client: ClientExchange) -> None:
        try:
            while (await client.receive())[1]:
                pass
        except OSError as error:
            ends.append(error)

    async with serving(not_here, calls=lambda _: serve) as port, await RawClient.to(port) as client:
        client.send(b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\nabc")
        client.writer.write_eof()
        async with asyncio.timeout(5):
            assert await client.reader.read() == b""
        assert len(ends) == 1


def _chunked(body: bytes) -> bytes:
    half = len(body) // 2
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:]) if part)
    return b"POST /v1/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


@pytest.mark.anyio
async def test_trailers_are_no_fields_of_the_head() -> None:
    """What comes behind a body is nobody's, whether or not the head is looked at later."""
    seen: list[tuple[bytes, bytes]] = []

    async def serve(client: ClientExchange) -> None:
        while (await client.receive())[1]:
            pass
        seen.extend(client.head.fields)
        client.start(200, [])
        client.write(b"", more=False)

    async with serving(not_here, calls=lambda _: serve) as port, await RawClient.to(port) as client:
        client.send(b"POST /v1/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        client.send(b"1\r\na\r\n0\r\nx-trailer: 1\r\n\r\n")
        assert (await client.response()).status == 200
    assert seen == [(b"host", b"x"), (b"transfer-encoding", b"chunked")]
