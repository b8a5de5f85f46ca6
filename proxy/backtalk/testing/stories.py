"""Facts for tests, with only the fields that matter spelled out, as the worker makes them."""

from typing import Any

import msgspec

from backtalk.model.chat import Message, Request, Response
from backtalk.model.facts import CallClosed, CallOpened, FeedbackGiven, SessionLinked, SignalFound
from backtalk.model.ids import CallKey, SpanId, TraceId, new_span_id, new_trace_id

NOON_NS = 1_767_268_800_000_000_000
"""2026-01-01 12:00 UTC."""


def a_key() -> CallKey:
    """A fresh call key."""
    return CallKey(new_trace_id(), new_span_id())


def opened(*, key: CallKey | None = None, asked: str = "Why is the sky blue?", **fields: Any) -> CallOpened:
    """A chat call that has arrived."""
    key = key or a_key()
    request = Request(model="small", messages=(Message(role="user", text=asked),))
    plain: dict[str, Any] = {
        "server_span_id": new_span_id(), "parent_span_id": None, "opened_ns": NOON_NS, "boot_ns": 1, "tenant": "acme",
        "method": "POST", "path": "/v1/chat/completions", "api": "chat", "request": request,
    }  # fmt: skip
    return CallOpened(key.trace_id, key.span_id, **(plain | fields))


def with_purpose(purpose: str, **fields: Any) -> CallOpened:
    """A chat call that is no user's, such as an evaluation's."""
    call = opened(**fields)
    return msgspec.structs.replace(call, request=msgspec.structs.replace(call.request, purpose=purpose))


def closed(*, call: CallOpened | None = None, answered: str = "Rayleigh scattering.", **fields: Any) -> CallClosed:
    """A chat call that was answered."""
    response = Response(
        id=fields.pop("response_id", "chatcmpl-1"),
        model="small-1",
        choices=tuple(Message(role="assistant", text=text) for text in fields.pop("choices", (answered,))),
        finish_reasons=("stop",),
    )
    plain: dict[str, Any] = {
        "closed_ns": NOON_NS + 10**9, "duration_ns": 10**9, "status": 200, "outcome": "completed", "response": response,
        "session_id": "5e55",
    }  # fmt: skip
    return CallClosed(call or opened(), **(plain | fields))


def linked(call: CallOpened, **fields: Any) -> SessionLinked:
    """The call's place in its session."""
    plain: dict[str, Any] = {"session_id": "5e55", "rule": "new", "confidence": 1.0, "linked_ns": NOON_NS}
    return SessionLinked(call.trace_id, call.span_id, **(plain | fields))


def signal(about: CallKey, shown_by: CallKey, *, kind: str = "regeneration", **fields: Any) -> SignalFound:
    """A signal about a call."""
    plain: dict[str, Any] = {
        "signal_id": f"{kind}-{about.span_id}", "probability": 0.9, "found_ns": NOON_NS + 2 * 10**9, "tenant": "acme",
        "session_id": "5e55", "detector": kind, "detector_version": "1",
    }  # fmt: skip
    return SignalFound(kind=kind, about=about, shown_by=shown_by, **(plain | fields))


def feedback(**fields: Any) -> FeedbackGiven:
    """A thumb down; name its target with `target_trace_id` and the like."""
    plain: dict[str, Any] = {
        "feedback_id": new_trace_id(), "kind": "rating", "value_json": "false", "tenant": "acme",
        "given_ns": NOON_NS + 3 * 10**9, "trace_id": TraceId("f" * 32), "span_id": SpanId("f" * 16),
    }  # fmt: skip
    return FeedbackGiven(**(plain | fields))
