"""Facts hold what was understood of a call."""

import msgspec
import pytest

from backtalk.model.chat import Usage
from backtalk.model.frames import Closed, Opened
from backtalk.observe import facts_of
from backtalk.testing.frames import closed, opened


def _opened(**changes: object) -> Opened:
    frame = opened(1, 10, [{"role": "user", "content": "x" * 40}])[0]
    assert isinstance(frame, Opened)
    return msgspec.structs.replace(frame, **changes)


def _closed(**changes: object) -> Closed:
    return msgspec.structs.replace(closed(1, 20, "y" * 8), **changes)


def test_an_arrival_names_its_client() -> None:
    """User agent and automatic retries, as the headers say."""
    headers = [("User-Agent", "openai-python"), ("x-stainless-retry-count", "2")]
    fact = facts_of.opened(_opened(headers=headers), late=True)
    assert (fact.user_agent, fact.retry_count, fact.late, fact.api) == ("openai-python", 2, True, "chat")


@pytest.mark.parametrize("value", ["", "-1", "x", "\u0663", "9" * 30, "1.5"])
def test_an_odd_retry_count_is_none(value: str) -> None:
    """Anyone may send any header."""
    assert facts_of.opened(_opened(headers=[("x-stainless-retry-count", value)]), late=False).retry_count == 0


def test_the_announcement_holds_no_messages() -> None:
    """Texts are written once, with the end."""
    frame = _opened()
    call = facts_of.with_request(facts_of.opened(frame, late=False), frame.body or b"", frame.headers, "x-session-id")
    short = facts_of.announced(call)
    assert call.request.messages
    assert (short.request.messages, short.request.model, short.request.params_json) == ((), "m", "{}")


def test_a_call_without_a_body_has_nothing_to_understand() -> None:
    """A GET is no misunderstood request, but may name its session."""
    frame = _opened(method="GET", path="/v1/models", headers=[("x-session-id", "s")])
    call = facts_of.with_request(facts_of.opened(frame, late=False), b"", frame.headers, "x-session-id")
    assert (call.request.not_understood, call.request.declared_session) == (None, "s")
    post = facts_of.with_request(facts_of.opened(_opened(), late=False), b"", [], "x-session-id")
    assert post.request.not_understood == "the body is empty"


def test_usage_that_nobody_reported_is_estimated_and_says_so() -> None:
    """A stream that was cut has no usage; four characters are a token."""
    frame = _opened()
    call = facts_of.with_request(facts_of.opened(frame, late=False), frame.body or b"", frame.headers, "x-session-id")
    cut = b'data: {"choices": [{"index": 0, "delta": {"content": "yyyyyyyy"}}]}\n\n'
    stream = _closed(body=cut, headers=[("content-type", "text/event-stream")])
    end = facts_of.closed(call, stream, request_bytes=1, request_capture="full")
    assert end.response.usage == Usage(input_tokens=10, output_tokens=2, estimated=True)
    whole = facts_of.closed(call, _closed(), request_bytes=1, request_capture="full")
    assert whole.response.usage == Usage(input_tokens=10, output_tokens=20)


def test_a_client_that_left_with_the_whole_answer_did_not_stop_it() -> None:
    """Clients close a stream at its last event; one that left before the finish reason did stop it."""
    call = facts_of.opened(_opened(), late=False)
    whole, cut = _closed(outcome="client_disconnected"), _closed(outcome="client_disconnected", body=b"")
    ends = [facts_of.closed(call, frame, request_bytes=0, request_capture="full") for frame in (whole, cut)]
    assert [end.outcome for end in ends] == ["completed", "client_disconnected"]


def test_an_error_has_no_usage() -> None:
    """Nothing was generated."""
    call = facts_of.opened(_opened(), late=False)
    failed = _closed(status=500, body=b'{"error": {"message": "m"}}')
    assert facts_of.closed(call, failed, request_bytes=0, request_capture="none").response.usage is None


def test_repeated_header_fields_are_joined() -> None:
    """Names are compared without regard to case."""
    assert facts_of.by_name([("A", "1"), ("a", "2"), ("b", "3")]) == {"a": "1, 2", "b": "3"}


def test_an_interrupted_call_never_ends_before_it_began() -> None:
    """Where the proxy gave no later sign, its end is its beginning."""
    call = facts_of.opened(_opened(), late=False)
    end = facts_of.interrupted(call, 0, request_bytes=0, request_capture="full")
    assert (end.closed_ns, end.duration_ns, end.outcome) == (call.opened_ns, 0, "interrupted")
