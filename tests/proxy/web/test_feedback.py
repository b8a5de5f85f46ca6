"""The feedback door, in front of a real spool: what is said, and only when it is durable."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backtalk.errors import StoreError
from backtalk.model import frames
from backtalk.model.ids import TraceId
from backtalk.model.meter import NoMeter
from backtalk.observe.tenants import Tenants
from backtalk.session.targets import Targets
from backtalk.settings import FeedbackSettings, SpoolSettings
from backtalk.spool import Spool
from backtalk.spool.tail import Tail
from backtalk.tasks import TaskGroup
from backtalk.telemetry import Metrics
from backtalk.testing.doors import CALL, ask, feedback_door
from backtalk.testing.exchange import HandExchange
from backtalk.web.feedback import FeedbackDoor
from backtalk.web.feedback_request import FeedbackRequest
from backtalk.web.feedback_taking import Intake

_SECRET = b"s" * 32
_TRACE = TraceId("4bf92f3577b34da6a3ce929d0e0e4736")
_BODY = {"kind": "rating", "value": True, "trace_id": _TRACE}


class _Silent(HandExchange):
    """A client whose body never begins."""

    async def receive(self) -> tuple[bytes, bool]:
        """Nothing."""
        await asyncio.Event().wait()
        raise AssertionError


class _Endless(HandExchange):
    """A client whose body never ends."""

    async def receive(self) -> tuple[bytes, bool]:
        """Nothing, and more to come."""
        await asyncio.sleep(0)
        return b"", True


class _Full:
    """A spool without room."""

    async def put(self, payload: bytes) -> None:
        """Refuse."""
        raise StoreError(f"no room for {len(payload)} bytes", code="spool_full")


def _targets(url: str | None) -> Targets:
    return Targets(url, secret=_SECRET, metrics=NoMeter(), lookup_ms=2000, mark_ttl_s=60)


def _door(intake: Intake, targets: Targets | None = None, *, body_s: float = 30.0) -> FeedbackDoor:
    return feedback_door(intake, targets, settings=FeedbackSettings(body_limit_bytes=1000), body_s=body_s)


async def _ask(
    door: FeedbackDoor, *pieces: bytes, method: str = "POST", path: str = "/v1/feedback", **headers: str
) -> tuple[int, dict[str, str], dict[str, Any]]:
    told = await ask(door, *pieces, method=method, path=path, **headers)
    return told.status, told.headers, told.json


@asynccontextmanager
async def _spooled(directory: Path) -> AsyncGenerator[Spool]:
    spool = Spool.open(directory, SpoolSettings(), metrics=Metrics("proxy"))
    try:
        yield spool
    finally:
        await spool.aclose()


def _kept(spool: Spool) -> list[frames.Feedback]:
    """What a reader of the spool's files finds."""
    read = [frames.decode(record.payload) for record in Tail(spool.directory, 0).read(1 << 20)]
    return [frame for frame in read if isinstance(frame, frames.Feedback)]


@pytest.mark.anyio
async def test_what_is_acknowledged_lies_in_the_spool(tmp_path: Path) -> None:
    """The frame is readable on disk when the 202 is sent, with tenant, ids and canonical body."""
    async with _spooled(tmp_path) as spool:
        status, _, reply = await _ask(_door(spool), json.dumps(_BODY).encode(), authorization="Bearer k")
        kept = _kept(spool)
    assert status == 202
    assert [frame.feedback_id for frame in kept] == [reply["feedback_id"]]
    assert kept[0].tenant == Tenants(_SECRET).of_credential(b"Bearer k")
    assert kept[0].trace_id == reply["trace_id"]
    assert msgspec.json.decode(kept[0].body) == _BODY
    assert (reply["status"], reply["duplicate"], reply["target"], reply["target_status"]) == (
        "accepted",
        False,
        None,
        "unknown",
    )


@pytest.mark.anyio
async def test_a_body_in_pieces_is_one_body(tmp_path: Path) -> None:
    """Any split is fine."""
    raw = json.dumps(_BODY).encode()
    async with _spooled(tmp_path) as spool:
        status, _, _ = await _ask(_door(spool), raw[:1], raw[1:9], b"", raw[9:])
    assert status == 202


@pytest.mark.anyio
async def test_without_room_nothing_is_acknowledged() -> None:
    """503, when to come again, and no mark."""
    status, headers, reply = await _ask(_door(_Full()), json.dumps(_BODY).encode(), idempotency_key="k")
    assert (status, headers["retry-after"], reply["error"]["code"]) == (503, "1", "spool_full")


@pytest.mark.anyio
async def test_a_repeat_after_a_refusal_is_no_duplicate(tmp_path: Path, redis_url: str) -> None:
    """The mark is set behind the spool: what was refused may come again, what was taken says so."""
    raw = json.dumps(_BODY).encode()
    targets = _targets(redis_url)
    refused, _, _ = await _ask(_door(_Full(), targets), raw, idempotency_key="k")
    async with _spooled(tmp_path) as spool:
        door = _door(spool, targets)
        first = await _ask(door, raw, idempotency_key="k")
        again = await _ask(door, raw, idempotency_key="k")
        other = await _ask(door, raw.replace(b"true", b"false"), idempotency_key="k")
        kept = _kept(spool)
    await targets.aclose()
    assert (refused, first[0], again[0], other[0]) == (503, 202, 200, 409)
    assert (first[2]["duplicate"], again[2]["duplicate"]) == (False, True)
    assert len(kept) == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"method": "PUT"}, 405, "method_not_allowed"),
        ({"method": "OPTIONS"}, 405, "method_not_allowed"),
        ({"path": "/v1/feedback/4"}, 405, "method_not_allowed"),
        ({"path": "/v1/feedback/4/5"}, 404, "unknown_url"),
        ({"path": "/feedback.js"}, 404, "unknown_url"),
        ({"content_length": "1001"}, 413, "body_too_large"),
        ({"content_encoding": "gzip"}, 415, "unsupported_encoding"),
        ({}, 400, "invalid_json"),
    ],
)
async def test_what_is_not_served_is_said(asked: dict[str, str], status: int, code: str) -> None:
    """OpenAI's error shape with the trace id."""
    got, headers, reply = await _ask(_door(_Full()), b"{", **asked)
    assert (got, reply["error"]["code"]) == (status, code)
    assert len(reply["error"]["trace_id"]) == 32
    assert ("allow" in headers) == (status == 405)


@pytest.mark.anyio
async def test_a_body_that_grows_beyond_the_limit_is_refused() -> None:
    """Whatever was declared."""
    status, _, _ = await _ask(_door(_Full()), b"x" * 600, b"x" * 600)
    assert status == 413


@pytest.mark.anyio
async def test_a_body_that_does_not_come_to_its_end_is_given_up() -> None:
    """A byte now and then does not keep a request alive for ever."""
    client = _Endless(path="/v1/feedback", fields=[(b"host", b"localhost")])
    answer = await _door(_Full(), body_s=0.01)(FeedbackRequest(client, CALL))
    assert answer.status == 408
    assert b"body_timeout" in answer.body


@pytest.mark.anyio
async def test_a_body_that_never_begins_is_given_up() -> None:
    """Heads alone would otherwise hold every connection that the listener takes."""
    client = _Silent(path="/v1/feedback", fields=[(b"host", b"localhost"), (b"content-length", b"9")])
    async with asyncio.timeout(5):
        answer = await _door(_Full(), body_s=0.01)(FeedbackRequest(client, CALL))
    assert answer.status == 408


class _Slow:
    """A spool that takes its time."""

    def __init__(self) -> None:
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()

    async def put(self, payload: bytes) -> None:
        """Wait until told."""
        del payload
        self.asked.set()
        await self.go_on.wait()


@pytest.mark.anyio
async def test_more_feedback_than_may_be_under_way_is_told_to_come_again() -> None:
    """Each one under way holds its body; when one is done the next is taken."""
    slow = _Slow()
    door = feedback_door(slow, settings=FeedbackSettings(max_in_flight=1))
    body = json.dumps(_BODY).encode()
    first = TaskGroup().spawn(_ask(door, body), name="the first")
    await slow.asked.wait()
    status, headers, reply = await _ask(door, body)
    assert (status, headers["retry-after"], reply["error"]["code"]) == (503, "1", "too_much_feedback")

    slow.go_on.set()
    assert (await first)[0] == (await _ask(door, body))[0] == 202
