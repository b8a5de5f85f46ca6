"""The way out of the server: what apps may send, and what the client sees of apps that fail."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import pytest

from backtalk.model.exchange import ClientGoneError
from backtalk.testing.raw_client import RawClient
from backtalk.testing.running import serving

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the product runs on."""
    return "asyncio", {"use_uvloop": True}


async def _lifespan(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


class Sending:
    """An app that sends the events it is made of, then raises if told to."""

    def __init__(self, *events: Event, crash: Exception | None = None) -> None:
        self._events = events
        self._crash = crash

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        """Send."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        for event in self._events:
            await send(event)
        if self._crash is not None:
            raise self._crash


def start(status: int = 200, *fields: tuple[bytes, bytes]) -> Event:
    """A response's head."""
    return {"type": "http.response.start", "status": status, "headers": list(fields)}


def body(piece: bytes, *, more: bool = False) -> Event:
    """A piece of a response's body."""
    return {"type": "http.response.body", "body": piece, "more_body": more}


@pytest.mark.anyio
@pytest.mark.parametrize("status", [200, 299, 599, 600, 999])
async def test_any_three_digit_status_is_sent(status: int) -> None:
    """Nothing is special about statuses that have no name."""
    async with serving(Sending(start(status), body(b"x"))) as port, await RawClient.to(port) as client:
        response = await client.request("GET", "/")
        assert (response.status, response.body, response.complete) == (status, b"x", True)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "app",
    [
        Sending(crash=RuntimeError("sk-secret")),
        Sending(),
        Sending(body(b"before the head")),
        Sending(start(200, (b"x-a", b"1\r\nx-injected: 2"))),
    ],
)
async def test_an_app_that_says_nothing_is_a_500(app: Sending) -> None:
    """The answer is OpenAI-shaped, has ids and says nothing of the reason."""
    async with serving(app) as port, await RawClient.to(port) as client:
        response = await client.request("GET", "/")
        assert response.status == 500
        assert json.loads(response.body)["error"]["trace_id"] == response.value("x-trace-id")
        assert b"sk-secret" not in response.body
        assert response.value("x-injected") is None


@pytest.mark.anyio
@pytest.mark.parametrize("fields", [(), ((b"content-length", b"10"),)])
@pytest.mark.parametrize("crash", [None, RuntimeError("late")])
async def test_an_app_that_stops_midway_is_cut(
    fields: tuple[tuple[bytes, bytes], ...], crash: Exception | None
) -> None:
    """What was sent arrives, and does not look complete."""
    app = Sending(start(200, *fields), body(b"half", more=True), crash=crash)
    async with serving(app) as port, await RawClient.to(port) as client:
        response = await client.request("GET", "/")
        assert (response.status, response.body, response.complete) == (200, b"half", False)


@pytest.mark.anyio
async def test_sending_to_nobody_raises() -> None:
    """An app learns from `send` that its client has left."""
    seen: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        await send(start())
        await send(body(b"x", more=True))
        while (await receive())["type"] != "http.disconnect":
            pass
        try:
            await send(body(b"y", more=True))
        except OSError as error:
            seen.set_result(error)

    async with serving(app) as port:
        async with await RawClient.to(port) as client:
            await client.request("GET", "/", head_only=True)
        async with asyncio.timeout(2):
            assert isinstance(await seen, ClientGoneError)


@pytest.mark.anyio
async def test_a_body_that_was_announced_and_not_asked_for_ends_the_connection() -> None:
    """After a final answer to `expect: 100-continue` nobody could tell whether the body comes."""
    async with serving(Sending(start(413), body(b""))) as port, await RawClient.to(port) as client:
        fields = (("expect", "100-continue"), ("content-length", "5"))
        response = await client.request("PUT", "/", fields=fields)
        assert (response.status, response.value("connection")) == (413, "close")
