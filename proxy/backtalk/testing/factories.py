"""Facts, turns and messages with only the field that matters spelled out.

In: what a test is about. Out: valid values. Times are seconds after a fixed instant; ids are new unless given.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from backtalk.clock import NS_PER_S
from backtalk.model.chat import Message, Request, Response, ToolCall
from backtalk.model.facts import CallClosed, CallOpened, LinkRule, Scalar
from backtalk.model.frames import Outcome
from backtalk.model.ids import CallKey, SpanId, TraceId, new_span_id, new_trace_id
from backtalk.model.session import SessionView, Turn

EPOCH_NS: Final = 1_700_000_000 * NS_PER_S
_BOOT_NS: Final = 1_000 * NS_PER_S


def ns(seconds: float) -> int:
    """An instant, `seconds` after the factories' epoch."""
    return EPOCH_NS + round(seconds * 1_000) * 1_000_000


def call_key(number: int | None = None) -> CallKey:
    """A call's key; without a number, one that no other call has."""
    if number is None:
        return CallKey(new_trace_id(), new_span_id())
    return CallKey(TraceId(f"{number:032x}"), SpanId(f"{number:016x}"))


def user(text: str) -> Message:
    """What a person says."""
    return Message(role="user", text=text)


def assistant(text: str) -> Message:
    """What a model answers."""
    return Message(role="assistant", text=text)


def system(text: str) -> Message:
    """What an app instructs."""
    return Message(role="system", text=text)


def opened(
    *messages: Message | str,
    at_s: float = 0.0,
    key: CallKey | None = None,
    tenant: str = "tenant",
    client: str = "client",
    stream: bool = True,
    end_user: str | None = None,
    session: str | None = None,
    retry_count: int = 0,
    **fields: Any,
) -> CallOpened:
    """A chat call's arrival; a plain text is a user message."""
    key = key or call_key()
    request = Request(
        model="a-model",
        messages=tuple(user(message) if isinstance(message, str) else message for message in messages),
        stream=stream,
        user=end_user,
        declared_session=session,
        tools_json=fields.pop("tools_json", None),
    )
    values: dict[str, Any] = {
        "trace_id": key.trace_id,
        "span_id": key.span_id,
        "server_span_id": SpanId(key.span_id[::-1]),
        "parent_span_id": None,
        "opened_ns": ns(at_s),
        "boot_ns": ns(at_s) - EPOCH_NS + _BOOT_NS,
        "tenant": tenant,
        "method": "POST",
        "path": "/v1/chat/completions",
        "api": "chat",
        "request": request,
        "client_hash": client,
        "retry_count": retry_count,
    }
    return CallOpened(**{**values, **fields})


def closed(
    call: CallOpened,
    answer: str | Message = "An answer that is long enough.",
    *,
    after_s: float = 1.0,
    status: int = 200,
    outcome: Outcome = "completed",
    choices: Sequence[Message] = (),
    **fields: Any,
) -> CallClosed:
    """A call's end, `after_s` after its arrival."""
    message = assistant(answer) if isinstance(answer, str) else answer
    shown = tuple(choices) or ((message,) if message.text or message.tool_calls else ())
    values: dict[str, Any] = {
        "opened": call,
        "closed_ns": call.opened_ns + round(after_s * 1_000) * 1_000_000,
        "duration_ns": round(after_s * 1_000) * 1_000_000,
        "status": status,
        "outcome": outcome,
        "response": Response(id=f"chatcmpl-{call.span_id}", choices=shown, finish_reasons=("stop",) * len(shown)),
        "first_byte_ns": 50_000_000,
    }
    return CallClosed(**{**values, **fields})


def turn(user_text: str = "", answer_text: str = "An answer.", *, key: CallKey | None = None, **fields: Any) -> Turn:
    """An earlier call of a session, answered."""
    values: dict[str, Any] = {
        "key": key or call_key(),
        "opened_ns": ns(0),
        "closed_ns": ns(1),
        "status": 200,
        "outcome": "completed",
        "user_text": user_text,
        "answer_text": answer_text,
    }
    return Turn(**{**values, **fields})


def view(
    rule: LinkRule = "new",
    *,
    parent: Turn | None = None,
    sibling: Turn | None = None,
    user_text: str = "",
    confidence: float = 1.0,
    evidence: Mapping[str, Scalar] | None = None,
) -> SessionView:
    """A session as a detector sees it."""
    return SessionView(
        session_id="session",
        rule=rule,
        confidence=confidence,
        parent=parent,
        sibling=sibling,
        earlier=(parent,) if parent else (),
        user_text=user_text,
        evidence=evidence or {},
    )


def tool_call(name: str, arguments: str = "{}") -> ToolCall:
    """A call of a tool."""
    return ToolCall(id=f"call_{name}", name=name, arguments=arguments)


def assistant_calls(*calls: ToolCall) -> Message:
    """A model's answer that calls tools."""
    return Message(role="assistant", tool_calls=calls)


def tool_result(call: ToolCall, text: str) -> Message:
    """What a tool gave back."""
    return Message(role="tool", text=text, tool_call_id=call.id)
