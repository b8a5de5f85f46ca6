"""Calls that are answered without ASGI, observed."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator

import pytest

from backtalk.errors import RequestError, StoreError
from backtalk.model.exchange import ClientExchange
from backtalk.model.frames import Outcome
from backtalk.model.meter import NoMeter
from backtalk.model.notes import CallNotes
from backtalk.observe.call import Observer
from backtalk.observe.calls import Lane, ObservedCalls
from backtalk.settings import Settings
from backtalk.testing.raw_client import RawClient, request_bytes
from backtalk.testing.running import FrameList, not_here, serving
from backtalk.web.problems import answer

PATH = "/v1/chat/completions"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the product runs on."""
    return "asyncio", {"use_uvloop": True}


@contextlib.asynccontextmanager
async def answered(lane: Lane, frames: FrameList) -> AsyncGenerator[int]:
    """A server whose calls this lane answers."""
    observer = Observer(sink=frames, secret=b"s" * 32, settings=Settings(), metrics=NoMeter())
    calls = ObservedCalls(observer, lane, answer)
    async with serving(not_here, calls=lambda _: calls.serve) as port:
        yield port


async def whole(client: ClientExchange, _notes: CallNotes) -> None:
    """An answer with a request id of its own."""
    await client.receive()
    client.start(200, [(b"content-length", b"2"), (b"x-request-id", b"theirs")])
    client.write(b"ok", more=False)


async def refusing(_client: ClientExchange, _notes: CallNotes) -> None:
    """The caller's fault."""
    raise RequestError("no", code="no", status=418)


async def storing(_client: ClientExchange, _notes: CallNotes) -> None:
    """Our own fault, known."""
    raise StoreError("full", code="spool_full")


async def crashing(_client: ClientExchange, _notes: CallNotes) -> None:
    """Our own fault, unknown."""
    raise RuntimeError("sk-secret")


async def silent(client: ClientExchange, _notes: CallNotes) -> None:
    """No answer."""
    await client.receive()


async def breaking(client: ClientExchange, _notes: CallNotes) -> None:
    """A crash in the middle."""
    client.start(200, [])
    client.write(b"half", more=True)
    raise RuntimeError("sk-secret")


async def failing(client: ClientExchange, notes: CallNotes) -> None:
    """An upstream that is cut off in the middle."""
    client.start(200, [])
    client.write(b"half", more=True)
    notes.fail("upstream_error", "upstream_cut")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("lane", "status", "complete", "outcome"),
    [
        (whole, 200, True, "completed"),
        (refusing, 418, True, "rejected"),
        (storing, 503, True, "failed"),
        (crashing, 500, True, "failed"),
        (silent, 500, True, "failed"),
        (breaking, 200, False, "failed"),
        (failing, 200, False, "upstream_error"),
    ],
)
async def test_every_answer_has_ids_and_every_call_one_end(
    lane: Lane, status: int, complete: bool, outcome: Outcome
) -> None:
    """Whatever the lane does; the ids agree, nothing of a crash is shown, the next call is served."""
    frames = FrameList()
    async with answered(lane, frames) as port:
        for _ in range(2):
            async with await RawClient.to(port) as client:
                response = await client.request("POST", PATH, b"{}")
                assert (response.status, response.complete) == (status, complete)
                trace_id, span_id = str(response.value("x-request-id")).split("-")
                assert response.values("x-trace-id") == [trace_id]
                assert response.values("traceresponse") == [f"00-{trace_id}-{span_id}-01"]
                assert b"sk-secret" not in response.body
                if status >= 400:
                    assert json.loads(response.body)["error"]["trace_id"] == trace_id
                elif complete:
                    assert response.values("x-upstream-request-id") == ["theirs"]
    assert [c.outcome for c in frames.closed] == [outcome] * 2
    assert len(frames.opened) == len(frames.closed)
    assert not any(b"sk-secret" in raw for raw in frames.raw)


@pytest.mark.anyio
async def test_a_client_that_leaves_is_recorded_with_what_it_got() -> None:
    """Also where the lane notices nothing of it."""
    gone = asyncio.Event()

    async def half(client: ClientExchange, _notes: CallNotes) -> None:
        client.when_gone(gone.set)
        await client.receive()
        client.start(200, [])
        client.write(b"half", more=True)
        await gone.wait()
        client.write(b"", more=False)

    frames = FrameList()
    async with answered(half, frames) as port:
        async with await RawClient.to(port) as client:
            client.send(request_bytes("POST", PATH, b"{}"))
            await client.response(head_only=True)
        closed = await frames.ended()
    assert (closed.outcome, closed.body) == ("client_disconnected", b"half")


@pytest.mark.anyio
async def test_a_call_that_is_cancelled_is_closed() -> None:
    """A server that ends leaves no open record."""
    frames = FrameList()
    begun = asyncio.Event()

    async def hanging(client: ClientExchange, _notes: CallNotes) -> None:
        await client.receive()
        begun.set()
        await asyncio.get_running_loop().create_future()

    async with answered(hanging, frames) as port:
        client = await RawClient.to(port)
        client.send(request_bytes("POST", PATH, b"{}"))
        async with asyncio.timeout(5):
            await begun.wait()
    client.close()
    assert [(c.outcome, c.error) for c in frames.closed] == [("failed", "cancelled")]
