"""Calls that wait for what may be said of them."""

from typing import Any

from backtalk.clock import NS_PER_S
from backtalk.export.held import HeldCalls
from backtalk.model.chat import Message, Request
from backtalk.model.facts import CallClosed
from backtalk.settings import TelemetrySettings
from backtalk.testing.facts import START_NS, closed_call, opened_call


def _held(gone: list[str] | None = None, **settings: Any) -> HeldCalls:
    return HeldCalls(TelemetrySettings(**settings), on_gone=(gone if gone is not None else []).append)


def _call(at_s: float = 0, text: str = "x", **changes: Any) -> CallClosed:
    request = Request(model="m", messages=(Message("user", text),), declared_session="chat-7")
    return closed_call(
        opened=opened_call(opened_ns=START_NS, request=request), closed_ns=START_NS + int(at_s * NS_PER_S), **changes
    )


def test_call_is_given_back_whole_and_once() -> None:
    """With everything that its spans are made of."""
    held, call = _held(), _call()
    held.put(call, told=False)
    held.put(call, told=True)
    taken = held.take("t1", call.key)
    assert taken is not None
    assert (taken.call, taken.told) == (call, False)
    assert held.take("t1", call.key) is None
    assert (len(held), held.size_bytes) == (0, 0)


def test_nobody_gets_anothers_call() -> None:
    """The key is not enough; the tenant has to be its own."""
    held, call = _held(), _call()
    held.put(call, told=False)
    assert held.take("t2", call.key) is None
    assert held.take_session("t2", "chat-7") == []
    assert len(held) == 1


def test_session_is_given_back_by_either_name() -> None:
    """The app's and ours."""
    for name in ("chat-7", "s1"):
        held, calls = _held(), [_call(), _call(), _call()]
        for call in calls:
            held.put(call, told=False)
        held.take("t1", calls[1].key)
        assert [taken.call for taken in held.take_session("t1", name)] == [calls[0], calls[2]]
        assert (len(held), held.size_bytes) == (0, 0)


def test_time_and_room_are_bounded_and_what_goes_is_said() -> None:
    """The oldest first, by the time of the calls themselves."""
    gone: list[str] = []
    held = _held(gone, held_s=60, held_bytes=100_000)
    old, later = _call(0), _call(61)
    held.put(old, told=False)
    held.put(later, told=False)
    assert gone == ["time"]
    assert held.take("t1", old.key) is None
    for _ in range(50):
        held.put(_call(61, "x" * 10_000), told=False)
    assert held.size_bytes <= 100_000
    assert gone.count("room") > 30
    assert _held(held_bytes=0).take("t1", later.key) is None
