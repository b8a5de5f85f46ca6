"""Facts for tests: plausible ones by default, any field at will."""

from typing import Any, Final

from backtalk.model.chat import Message, Request, Response, Usage
from backtalk.model.facts import CallClosed, CallOpened, FeedbackGiven, SignalFound
from backtalk.model.ids import CallKey, new_span_id, new_trace_id

START_NS: Final = 1_700_000_000_000_000_000
"""When the calls of tests begin, unless they say otherwise."""


def opened_call(**changes: Any) -> CallOpened:
    """A chat call that has arrived."""
    fields: dict[str, Any] = {
        "trace_id": new_trace_id(),
        "span_id": new_span_id(),
        "server_span_id": new_span_id(),
        "parent_span_id": None,
        "opened_ns": START_NS,
        "boot_ns": 1,
        "tenant": "t1",
        "method": "POST",
        "path": "/v1/chat/completions",
        "api": "chat",
        "request": Request(model="m1", messages=(Message("user", "What is up?"),)),
        "user_agent": "test/1",
    }
    return CallOpened(**fields | changes)


def closed_call(*, opened: CallOpened | None = None, **changes: Any) -> CallClosed:
    """A chat call that was answered in half a second."""
    opened = opened or opened_call()
    fields: dict[str, Any] = {
        "opened": opened,
        "closed_ns": opened.opened_ns + 500_000_000,
        "duration_ns": 500_000_000,
        "status": 200,
        "outcome": "completed",
        "response": Response(
            id=f"chatcmpl-{opened.span_id}",
            model="m1-2026",
            choices=(Message("assistant", "The sky."),),
            finish_reasons=("stop",),
            usage=Usage(input_tokens=7, output_tokens=3),
        ),
        "session_id": "s1",
        "first_byte_ns": 100_000_000,
        "overhead_ns": 300_000,
        "chunks": 1,
        "upstream": "http://127.0.0.1:9999/v1",
    }
    return CallClosed(**fields | changes)


def signal(about: CallKey, **changes: Any) -> SignalFound:
    """A regeneration that was found for a call."""
    fields: dict[str, Any] = {
        "signal_id": new_span_id(),
        "kind": "regeneration",
        "about": about,
        "shown_by": CallKey(new_trace_id(), new_span_id()),
        "probability": 0.9,
        "found_ns": START_NS + 10_000_000_000,
        "tenant": "t1",
        "session_id": "s1",
        "detector": "regeneration",
        "detector_version": "1.0",
    }
    return SignalFound(**fields | changes)


def feedback(**changes: Any) -> FeedbackGiven:
    """A thumb up; its target is up to the test."""
    fields: dict[str, Any] = {
        "feedback_id": new_span_id(),
        "kind": "rating",
        "value_json": "true",
        "tenant": "t1",
        "given_ns": START_NS + 60_000_000_000,
        "trace_id": new_trace_id(),
        "span_id": new_span_id(),
    }
    return FeedbackGiven(**fields | changes)
