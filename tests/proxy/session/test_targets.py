"""What feedback asks of Redis: right answers from a living one, and a quick `unknown` from any other."""

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest

from backtalk import clock
from backtalk.model.feedback import FeedbackBody
from backtalk.model.ids import CallKey, SpanId, TraceId
from backtalk.model.meter import NoMeter
from backtalk.session import keys
from backtalk.session.embedded import find_server
from backtalk.session.targets import First, Targets
from backtalk.telemetry import Metrics
from backtalk.testing.redis_servers import ask
from backtalk.testing.waiting import await_until, wait_until

_SECRET = b"s" * 32
_TRACE = TraceId("4bf92f3577b34da6a3ce929d0e0e4736")
_SPAN = SpanId("00f067aa0ba902b7")
_OTHER = SpanId("00f067aa0ba902b8")


def _targets(url: str | None, lookup_ms: float = 2000) -> Targets:
    return Targets(url, secret=_SECRET, metrics=NoMeter(), lookup_ms=lookup_ms, mark_ttl_s=60)


def _about(**target: Any) -> FeedbackBody:
    return FeedbackBody(kind="rating", value=True, **target)


@contextlib.asynccontextmanager
async def _open(url: str | None, lookup_ms: float = 2000) -> AsyncGenerator[Targets]:
    targets = _targets(url, lookup_ms)
    await targets.warm()
    try:
        yield targets
    finally:
        await targets.aclose()


@pytest.fixture
def known(redis_url: str) -> str:
    """A Valkey that knows a trace with one call, one with two, and a response id."""
    ask(redis_url, "RPUSH", keys.trace(_SECRET, "t", _TRACE), _SPAN)
    ask(redis_url, "RPUSH", keys.trace(_SECRET, "t", TraceId("b" * 32)), _SPAN, _OTHER)
    ask(redis_url, "SET", keys.response(_SECRET, "t", "chatcmpl-1"), f"{_TRACE}-{_SPAN}")
    return redis_url


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("target", "status"),
    [
        ({"trace_id": _TRACE}, "resolved"),
        ({"trace_id": _TRACE, "span_id": _SPAN}, "resolved"),
        ({"trace_id": _TRACE, "span_id": _OTHER}, "pending"),
        ({"request_id": f"{_TRACE}-{_SPAN}"}, "resolved"),
        ({"request_id": f"{_TRACE}-{_OTHER}"}, "pending"),
        ({"response_id": "chatcmpl-1"}, "resolved"),
        ({"response_id": "chatcmpl-2"}, "pending"),
        ({"traceparent": f"00-{_TRACE}-{_SPAN}-01"}, "resolved"),
        ({"traceparent": f"00-{_TRACE}-{_OTHER}-01"}, "unknown"),
        ({"traceparent": f"00-{'c' * 32}-{_SPAN}-01"}, "pending"),
        ({"trace_id": "b" * 32}, "ambiguous"),
        ({"trace_id": "c" * 32}, "pending"),
        ({"session_id": "s"}, "session"),
    ],
)
async def test_each_key_finds_its_call_or_says_why_not(known: str, target: dict[str, str], status: str) -> None:
    """`resolved` names the call; nothing else does."""
    async with _open(known) as targets:
        found = await targets.look_up("t", "f1", _about(**target))
    assert found.status == status
    assert found.target == (CallKey(_TRACE, _SPAN) if status == "resolved" else None)
    assert found.first is None


@pytest.mark.anyio
async def test_another_tenant_finds_nothing(known: str) -> None:
    """Neither trace ids nor response ids cross tenants."""
    async with _open(known) as targets:
        for target in ({"trace_id": _TRACE}, {"response_id": "chatcmpl-1"}):
            assert (await targets.look_up("u", "f1", _about(**target))).status == "pending"


@pytest.mark.anyio
async def test_the_first_result_is_remembered_and_stays(redis_url: str) -> None:
    """Also where two came at the same time: the second hears what the first was told. No mark lives for ever."""
    one = First("a" * 64, CallKey(_TRACE, _SPAN), "resolved")
    async with _open(redis_url) as targets:
        assert await targets.remember("f1", one) == one
        assert await targets.remember("f1", First("b" * 64, None, "pending")) == one
        assert (await targets.look_up("t", "f1", _about(session_id="s"))).first == one
        assert (await targets.look_up("t", "f2", _about(session_id="s"))).first is None
    assert 0 < ask(redis_url, "TTL", keys.idempotency(_SECRET, "f1")) <= 60


@pytest.mark.anyio
async def test_a_feedback_without_an_id_of_its_own_has_no_mark_to_be_asked_for(known: str) -> None:
    """Its call is found all the same."""
    async with _open(known) as targets:
        found = await targets.look_up("t", None, _about(trace_id=_TRACE))
    assert (found.first, found.target, found.status) == (None, CallKey(_TRACE, _SPAN), "resolved")


@pytest.mark.anyio
async def test_where_there_is_nothing_to_ask_redis_is_left_alone() -> None:
    """A Redis that is away is not noticed by a feedback about a session that has no id of its own."""
    metrics = Metrics("proxy")
    targets = Targets("unix:///nowhere/at/all.sock", secret=_SECRET, metrics=metrics, lookup_ms=2000, mark_ttl_s=60)
    await targets.warm()
    assert (await targets.look_up("t", None, _about(session_id="s"))).status == "session"
    asked = metrics.snapshot().points
    assert (await targets.look_up("t", "f1", _about(session_id="s"))).status == "session"
    assert metrics.snapshot().points != asked
    await targets.aclose()


@pytest.mark.anyio
@pytest.mark.parametrize("mark", ["a" * 64, "a" * 64 + " strange", "a" * 64 + " pending x y z"])
async def test_a_mark_of_another_version_is_a_repeat_all_the_same(redis_url: str, mark: str) -> None:
    """What it does not say is unknown."""
    ask(redis_url, "SET", keys.idempotency(_SECRET, "f1"), mark)
    async with _open(redis_url) as targets:
        first = (await targets.look_up("t", "f1", _about(session_id="s"))).first
    assert first is not None
    assert (first.sha256, first.target) == ("a" * 64, None)
    assert first.status in {"unknown", "pending"}


@pytest.mark.anyio
async def test_without_redis_nothing_is_known() -> None:
    """No URL, no waiting."""
    async with _open(None) as targets:
        assert (await targets.look_up("t", "f1", _about(trace_id=_TRACE))).status == "unknown"
        assert (await targets.look_up("t", "f1", _about(session_id="s"))).status == "session"


@pytest.mark.anyio
async def test_an_absent_redis_costs_little_and_is_left_alone_for_a_pause() -> None:
    """Nothing listens: each look-up answers `unknown` at once."""
    async with _open("unix:///nowhere/at/all.sock") as targets:
        start_ns = clock.monotonic_ns()
        for _ in range(50):
            assert (await targets.look_up("t", "f1", _about(trace_id=_TRACE))).status == "unknown"
        assert clock.monotonic_ns() - start_ns < 500 * clock.NS_PER_MS


@pytest.fixture
def own_valkey() -> Iterator[tuple[str, int]]:
    """A Valkey of this test alone, as URL and process id."""
    with tempfile.TemporaryDirectory(prefix="bt-") as directory:
        socket = f"{directory}/v.sock"
        command = [str(find_server()), "--port", "0", "--unixsocket", socket, "--save", "", "--dir", directory]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
            wait_until(lambda: Path(socket).exists(), what="the socket")
            try:
                yield f"unix://{socket}", server.pid
            finally:
                server.kill()


@pytest.mark.anyio
async def test_a_slow_redis_costs_the_budget_once_and_is_asked_again_later(own_valkey: tuple[str, int]) -> None:
    """Stopped in mid-air, it answers nothing; when it goes on, the look-ups do too."""
    url, pid = own_valkey
    async with _open(url, lookup_ms=50) as targets:
        one = First("a" * 64, None, "pending")
        await targets.remember("f1", one)
        os.kill(pid, signal.SIGSTOP)
        start_ns = clock.monotonic_ns()
        for _ in range(20):
            assert (await targets.look_up("t", "f1", _about(trace_id=_TRACE))).status == "unknown"
        assert clock.monotonic_ns() - start_ns < 400 * clock.NS_PER_MS
        os.kill(pid, signal.SIGCONT)

        async def remembered() -> bool:
            return (await targets.look_up("t", "f1", _about(trace_id=_TRACE))).first == one

        await await_until(remembered, 40, what="the mark behind the pause")


@pytest.mark.anyio
async def test_what_names_no_single_call_is_left_to_the_join(redis_url: str) -> None:
    """A retraction names a feedback, a ranking several calls: both are taken, and their repeats are noticed."""
    targets = Targets(redis_url, secret=b"s" * 32, metrics=NoMeter(), lookup_ms=2000, mark_ttl_s=60)
    await targets.warm()
    retraction = FeedbackBody(kind="retraction", supersedes="a" * 32)
    found = await targets.look_up("t", "b" * 32, retraction)
    assert (found.first, found.target, found.status) == (None, None, "unknown")
    await targets.aclose()
