"""Calls become facts when they are complete; what is held is bounded."""

from typing import Any

import msgspec

from backtalk.model.frames import Opened, Requested
from backtalk.observe.open_calls import OpenCalls
from backtalk.telemetry import Metrics
from backtalk.testing.frames import closed, opened, span_of


def _open(calls: OpenCalls, number: int, text: str = "hello", *, owner: str = "o") -> Any:
    frame = opened(number, 10 + number, [{"role": "user", "content": text}])[0]
    assert isinstance(frame, Opened)
    return calls.open(owner, frame)


def test_a_call_is_announced_with_its_body() -> None:
    """In one piece at once, in pieces when the rest is there, and only once."""
    calls = OpenCalls("x-session-id", Metrics("worker"))
    assert _open(calls, 1).request.messages[0].text == "hello"
    assert _open(calls, 1) is None
    head, rest = opened(2, 10, [{"role": "user", "content": "later"}], pieces=True)
    assert isinstance(head, Opened)
    assert isinstance(rest, Requested)
    assert calls.open("o", head) is None
    announced = calls.complete(rest)
    assert announced is not None
    assert announced.request.messages[0].text == "later"
    assert calls.complete(rest) is None
    assert len(calls) == 2


def test_an_end_holds_the_whole_call() -> None:
    """Request and response; an end whose beginning is unknown is none."""
    calls = OpenCalls("x-session-id", Metrics("worker"))
    _open(calls, 1)
    ended = calls.close(closed(1, 20, "hi"))
    assert ended is not None
    assert ended.arrival is None
    assert (ended.end.opened.request.messages[0].text, ended.end.response.text) == ("hello", "hi")
    assert ended.end.request_bytes > 0
    assert calls.close(closed(1, 20, "hi")) is None


def test_an_end_before_the_body_brings_the_beginning_along() -> None:
    """A client that left while it was sending."""
    calls = OpenCalls("x-session-id", Metrics("worker"))
    head = opened(1, 10, [], pieces=True)[0]
    assert isinstance(head, Opened)
    calls.open("o", head)
    gone = closed(1, 20, "", outcome="client_disconnected", status=0)
    ended = calls.close(msgspec.structs.replace(gone, body=b""))
    assert ended is not None
    assert ended.arrival is not None
    assert ended.end.outcome == "client_disconnected"


def test_calls_of_one_owner_are_interrupted() -> None:
    """Oldest first; those of others stay."""
    calls = OpenCalls("x-session-id", Metrics("worker"))
    for number, owner in ((1, "a"), (2, "b"), (3, "a")):
        _open(calls, number, owner=owner)
    ends = [ended.end for span_id in calls.spans("a") if (ended := calls.interrupt(span_id, 500))]
    assert [end.opened.span_id for end in ends] == [span_of(1), span_of(3)]
    assert [(end.outcome, end.closed_ns) for end in ends] == [("interrupted", 500)] * 2
    assert calls.spans("b") == [span_of(2)]


def test_the_oldest_requests_are_let_go_beyond_the_bound() -> None:
    """By bytes as by number; the call itself stays, says so, and is counted."""
    metrics = Metrics("worker")
    for calls in (
        OpenCalls("x-session-id", metrics, limit_bytes=5000),
        OpenCalls("x-session-id", metrics, limit_calls=1),
    ):
        _open(calls, 1, "a" * 3000)
        assert _open(calls, 2, "b" * 3000).request.messages
        first, second = calls.close(closed(1, 20, "x")), calls.close(closed(2, 20, "y"))
        assert first is not None
        assert second is not None
        assert first.end.opened.request.messages == ()
        assert first.end.opened.request.model == "m"
        assert first.end.request_capture == "truncated"
        assert second.end.opened.request.messages
    assert [point.value for point in metrics.snapshot().points["backtalk.worker.shed"]] == [2]


def test_a_body_beyond_the_bound_alone_is_seen_and_let_go() -> None:
    """Detectors look at it once; it is not held."""
    calls = OpenCalls("x-session-id", Metrics("worker"), limit_bytes=100)
    assert _open(calls, 1, "a" * 3000).request.messages
    ended = calls.close(closed(1, 20, "x"))
    assert ended is not None
    assert ended.end.opened.request.messages == ()
