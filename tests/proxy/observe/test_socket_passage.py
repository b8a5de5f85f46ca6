"""A WebSocket of an ASGI host is a call."""

from collections.abc import Callable, Coroutine, MutableMapping
from typing import Any

import pytest

from backtalk.model.frames import Part
from backtalk.model.meter import NoMeter
from backtalk.observe.middleware import Observe
from backtalk.observe.websocket import Message, Reader
from backtalk.settings import Settings
from backtalk.testing.running import FrameList

Event = MutableMapping[str, Any]
App = Callable[[Event, Any, Any], Coroutine[Any, Any, None]]
_SCOPE: Event = {
    "type": "websocket",
    "path": "/v1/realtime",
    "query_string": b"model=m",
    "headers": [(b"api-key", b"k")],
}


async def talking(_scope: Event, receive: Any, send: Any) -> None:
    """Accept, say back what is heard, close when told."""
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept", "headers": [(b"x-own", b"1")]})
    while (event := await receive())["type"] == "websocket.receive":
        if event.get("text") == "bye":
            await send({"type": "websocket.close", "code": 4000})
            return
        await send({"type": "websocket.send", "text": event.get("text"), "bytes": event.get("bytes")})


async def refusing(_scope: Event, receive: Any, send: Any) -> None:
    """Close before accepting."""
    await receive()
    await send({"type": "websocket.close"})


async def crashing(_scope: Event, _receive: Any, send: Any) -> None:
    """Accept and fail."""
    await send({"type": "websocket.accept"})
    raise RuntimeError("sk-secret")


async def _run(
    app: App, *events: Event, scope: Event = _SCOPE, sink: FrameList | None = None
) -> tuple[FrameList, list[Event]]:
    frames, sent = sink or FrameList(), list[Event]()
    coming = iter([{"type": "websocket.connect"}, *events])

    async def receive() -> Event:
        return next(coming)

    async def send(event: Event) -> None:
        sent.append(event)

    def answer(_error: BaseException, _trace_id: str, _path: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        return 500, [], b""

    observed = Observe(app, sink=frames, secret=b"s", settings=Settings(), metrics=NoMeter(), answer=answer)
    await observed(dict(scope), receive, send)
    return frames, sent


def _read(frames: FrameList, wanted: str) -> list[Message]:
    pieces = [
        piece for part in frames.frames if isinstance(part, Part) for side, piece in part.pieces if side == wanted
    ]
    reader = Reader("client", "")
    return [message for piece in pieces for message in reader.feed(piece)]


@pytest.mark.anyio
@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
async def test_messages_pass_and_are_kept_in_both_directions(size: int) -> None:
    """Texts and bytes of any size; ids on the 101, and how it was closed."""
    frames, sent = await _run(
        talking,
        {"type": "websocket.receive", "text": "é" * (size // 2), "bytes": None},
        {"type": "websocket.receive", "bytes": bytes(size)},
        {"type": "websocket.receive", "text": "bye"},
    )
    text = Message("text", ("é" * (size // 2)).encode())
    binary = Message("binary", bytes(size))
    assert _read(frames, "client") == [text, binary, Message("text", b"bye")]
    assert _read(frames, "server") == [text, binary, Message("close", b"", 4000)]
    assert dict(sent[0]["headers"]).keys() == {b"x-own", b"x-request-id", b"x-trace-id", b"traceresponse"}
    assert [event["type"] for event in sent] == [
        "websocket.accept",
        "websocket.send",
        "websocket.send",
        "websocket.close",
    ]
    assert (frames.opened[0].method, frames.opened[0].path, frames.opened[0].query) == (
        "GET",
        "/v1/realtime",
        "model=m",
    )
    assert [(frame.status, frame.outcome) for frame in frames.closed] == [(101, "completed")]


@pytest.mark.anyio
async def test_a_client_that_leaves_has_closed() -> None:
    """With its code."""
    frames, _ = await _run(talking, {"type": "websocket.disconnect", "code": 1001})
    assert _read(frames, "client") == [Message("close", b"", 1001)]
    assert frames.closed[0].outcome == "completed"


@pytest.mark.anyio
async def test_a_refusal_is_a_403() -> None:
    """As servers answer it."""
    frames, _ = await _run(refusing)
    assert [(frame.status, frame.outcome) for frame in frames.closed] == [(403, "completed")]


@pytest.mark.anyio
async def test_a_crash_is_the_hosts_and_the_call_says_so() -> None:
    """The error passes on; its text is not kept."""
    frames = FrameList()
    with pytest.raises(RuntimeError):
        await _run(crashing, sink=frames)
    assert [(frame.outcome, frame.error) for frame in frames.closed] == [("failed", "RuntimeError")]
    assert all(b"sk-secret" not in raw for raw in frames.raw)


@pytest.mark.anyio
async def test_other_sockets_pass_untouched() -> None:
    """What is no call of a model API is nobody's business."""
    frames, sent = await _run(talking, {"type": "websocket.receive", "text": "bye"}, scope={**_SCOPE, "path": "/ws"})
    assert frames.frames == []
    assert sent[0]["headers"] == [(b"x-own", b"1")]
