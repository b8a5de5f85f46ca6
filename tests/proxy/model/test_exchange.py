"""The port between a server and who answers: what it promises holds for the server's own exchange and the observed."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from backtalk.model.exchange import Calls, ClientExchange, ClientGoneError, Serve
from backtalk.model.meter import NoMeter
from backtalk.observe.call import Observer
from backtalk.observe.calls import ObservedCalls
from backtalk.settings import Settings
from backtalk.testing.raw_client import RawClient, request_bytes
from backtalk.testing.running import FrameList, not_here, serving
from backtalk.testing.waiting import await_until
from backtalk.web.problems import answer

PATH = "/v1/chat/completions"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the product runs on."""
    return "asyncio", {"use_uvloop": True}


def plain(serve: Serve) -> Calls:
    """The server's own exchange."""
    return lambda path: serve if path.startswith("/v1/") else None


def observed(serve: Serve) -> Calls:
    """The same, observed."""
    observer = Observer(sink=FrameList(), secret=b"s" * 32, settings=Settings(), metrics=NoMeter())

    async def lane(client: ClientExchange, _notes: Any) -> None:
        await serve(client)

    return plain(ObservedCalls(observer, lane, answer).serve)


both = pytest.mark.parametrize("calls", [plain, observed])


@both
@pytest.mark.anyio
async def test_a_body_is_received_in_pieces_and_its_end_is_said_once(calls: Callable[[Serve], Calls]) -> None:
    """`more` is false with the last piece; what is asked for after it comes only when the client leaves."""
    seen: list[tuple[bytes, bool]] = []
    ends: list[type[Exception]] = []

    async def serve(client: ClientExchange) -> None:
        more = True
        while more:
            seen.append(await client.receive())
            more = seen[-1][1]
        try:
            await client.receive()
        except OSError as error:
            ends.append(type(error))

    async with serving(not_here, calls=calls(serve)) as port:
        async with await RawClient.to(port) as client:
            client.send(b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\nabc")
            await await_until(lambda: _said(bool(seen)), what="the first piece")
            client.send(b"def")
            await await_until(lambda: _said(not seen[-1][1]), what="the last piece")
        await await_until(lambda: _said(bool(ends)), what="the client's end")
    assert b"".join(piece for piece, _ in seen) == b"abcdef"
    assert [more for _, more in seen].count(False) == 1
    assert ends == [ClientGoneError]


@both
@pytest.mark.anyio
async def test_who_left_is_said_once_and_is_written_nothing(calls: Callable[[Serve], Calls]) -> None:
    """The callback comes with the end of the connection; a late piece is no error."""
    gone: list[bool] = []
    late = asyncio.Event()

    async def serve(client: ClientExchange) -> None:
        client.when_gone(lambda: gone.append(client.gone))
        client.start(200, [])
        client.write(b"half", more=True)
        await await_until(lambda: _said(bool(gone)), what="the client's end")
        client.write(b"late", more=False)
        late.set()

    async with serving(not_here, calls=calls(serve)) as port:
        async with await RawClient.to(port) as client:
            await client.request("POST", PATH, b"{}", head_only=True)
        async with asyncio.timeout(5):
            await late.wait()
    assert gone == [True]


@both
@pytest.mark.anyio
async def test_a_client_that_does_not_read_is_not_writable_until_it_does(calls: Callable[[Serve], Calls]) -> None:
    """`writable` turns false once much is under way, and the callback comes when the client has taken it."""
    full, taken = asyncio.Event(), asyncio.Event()

    async def serve(client: ClientExchange) -> None:
        client.start(200, [])
        while client.writable:
            client.write(b"x" * 65_536, more=True)
        client.when_writable(taken.set)
        full.set()
        await taken.wait()
        client.write(b"y", more=False)

    async with serving(not_here, calls=calls(serve)) as port, await RawClient.to(port) as client:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.send(request_bytes("POST", PATH, b"{}"))
        async with asyncio.timeout(5):
            await full.wait()
        assert not taken.is_set()
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        response = await client.response()
    assert response.complete
    assert response.body.endswith(b"xy")


async def _said(value: bool) -> bool:
    return value
