"""The middleware around apps of every temper: ids on all responses, one record of each call."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import pytest

from backtalk.errors import RequestError, StoreError
from backtalk.model.frames import Outcome
from backtalk.model.meter import NoMeter
from backtalk.observe.middleware import Observe
from backtalk.settings import Settings
from backtalk.testing.raw_client import RawClient, RawResponse, request_bytes
from backtalk.testing.running import FrameList, serving
from backtalk.web.problems import answer

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Behaviour = Callable[[Receive, Send], Awaitable[None]]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the product runs on."""
    return "asyncio", {"use_uvloop": True}


async def whole(_receive: Receive, send: Send) -> None:
    """Answer at once."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-request-id", b"theirs")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def streaming(receive: Receive, send: Send) -> None:
    """Answer in pieces."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for piece in (b"a", b"", b"b"):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})


async def refusing(_receive: Receive, _send: Send) -> None:
    """Refuse."""
    raise RequestError("no", code="no", status=418)


async def storing(_receive: Receive, _send: Send) -> None:
    """Fail on purpose."""
    raise StoreError("full", code="spool_full")


async def crashing(_receive: Receive, _send: Send) -> None:
    """Fail."""
    raise RuntimeError("sk-secret")


async def silent(_receive: Receive, _send: Send) -> None:
    """Say nothing."""


async def breaking(receive: Receive, send: Send) -> None:
    """Fail in the middle of a stream."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise RuntimeError("sk-secret")


async def abandoning(receive: Receive, send: Send) -> None:
    """Stop in the middle of a stream."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})


def around(behaviour: Behaviour, frames: FrameList) -> Callable[[Event, Receive, Send], Awaitable[None]]:
    """The observed app of a behaviour."""

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for _ in range(2):
                event = await receive()
                await send({"type": event["type"] + ".complete"})
        else:
            await behaviour(receive, send)

    return Observe(app, sink=frames, secret=b"s" * 32, settings=Settings(), metrics=NoMeter(), answer=answer)


def assert_ids(response: RawResponse) -> None:
    """Each id is there once, well-formed, and all agree."""
    trace_id, span_id = str(response.value("x-request-id")).split("-")
    assert (len(trace_id), len(span_id)) == (32, 16)
    assert response.values("x-trace-id") == [trace_id]
    assert response.values("traceresponse") == [f"00-{trace_id}-{span_id}-01"]
    assert len(response.values("x-request-id")) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/feedback", "/elsewhere"])
@pytest.mark.parametrize(
    ("behaviour", "status", "complete", "outcome"),
    [
        (whole, 200, True, "completed"),
        (streaming, 200, True, "completed"),
        (refusing, 418, True, "rejected"),
        (storing, 503, True, "failed"),
        (crashing, 500, True, "failed"),
        (silent, 500, True, "failed"),
        (breaking, 200, False, "failed"),
        (abandoning, 200, False, "failed"),
    ],
)
async def test_every_response_has_ids_and_every_call_one_end(
    path: str, behaviour: Behaviour, status: int, complete: bool, outcome: Outcome
) -> None:
    """All routes, all outcomes; what is no call is not recorded; the next request is served."""
    frames = FrameList()
    async with serving(around(behaviour, frames)) as port:
        for _ in range(2):
            async with await RawClient.to(port) as client:
                response = await client.request("POST", path, b"{}")
                assert (response.status, response.complete) == (status, complete)
                assert_ids(response)
                assert b"sk-secret" not in response.body
    is_call = path == "/v1/chat/completions"
    assert [c.outcome for c in frames.closed] == [outcome] * (2 if is_call else 0)
    assert len(frames.opened) == len(frames.closed)
    assert not any(b"sk-secret" in raw for raw in frames.raw)


@pytest.mark.anyio
@pytest.mark.parametrize("behaviour", [refusing, storing, crashing])
async def test_errors_speak_openai(behaviour: Behaviour) -> None:
    """The body has the shape that clients parse, and the trace id of the header."""
    async with serving(around(behaviour, FrameList())) as port, await RawClient.to(port) as client:
        response = await client.request("POST", "/v1/x", b"{}")
        error = json.loads(response.body)["error"]
        assert set(error) == {"message", "type", "code", "param", "trace_id"}
        assert error["trace_id"] == response.value("x-trace-id")


@pytest.mark.anyio
async def test_the_apps_request_id_is_kept_apart() -> None:
    """What the inner app calls x-request-id moves to x-upstream-request-id."""
    async with serving(around(whole, FrameList())) as port, await RawClient.to(port) as client:
        response = await client.request("POST", "/v1/x", b"{}")
        assert response.values("x-upstream-request-id") == ["theirs"]


@pytest.mark.anyio
async def test_a_client_that_leaves_is_recorded_with_what_it_got() -> None:
    """An app that notices and stops, and one that is told by `send`: the outcome is the same."""

    async def listening(receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        await receive()

    async def talking(receive: Receive, send: Send) -> None:
        await listening(receive, send)
        while True:
            await send({"type": "http.response.body", "body": b"", "more_body": True})

    for behaviour in (listening, talking):
        frames = FrameList()
        async with serving(around(behaviour, frames)) as port:
            async with await RawClient.to(port) as client:
                client.send(request_bytes("POST", "/v1/x", b"{}"))
                await client.response(head_only=True)
            closed = await frames.ended()
            assert (closed.outcome, closed.body) == ("client_disconnected", b"half")


@pytest.mark.anyio
async def test_a_call_that_is_cancelled_is_closed() -> None:
    """A server that gives up on an app leaves no open record."""
    frames = FrameList()

    async def hanging(receive: Receive, _send: Send) -> None:
        while True:
            await receive()

    app = around(hanging, frames)

    async def never() -> Event:
        await asyncio.get_running_loop().create_future()
        return {}

    async def nowhere(_event: Event) -> None:
        pass

    scope: Event = {"type": "http", "method": "POST", "path": "/v1/x", "headers": [], "query_string": b""}

    async def run() -> None:
        await app(scope, never, nowhere)

    running = asyncio.get_running_loop().create_task(run())
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [c.outcome for c in frames.closed] == ["failed"]


@pytest.mark.anyio
async def test_what_is_not_http_passes_untouched() -> None:
    """A scope of another type reaches the app as it is."""
    seen: list[Event] = []

    async def app(scope: Event, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    async def nothing(*_: object) -> Any:
        pass

    scope: Event = {"type": "websocket", "path": "/ws"}
    frames = FrameList()
    observed = Observe(app, sink=frames, secret=b"s", settings=Settings(), metrics=NoMeter(), answer=answer)
    await observed(scope, nothing, nothing)
    assert seen == [{"type": "websocket", "path": "/ws"}]
    assert not frames.frames
