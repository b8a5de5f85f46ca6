"""The ids of one call: honoured from W3C trace context where the app sent one, else minted.

In: the request's headers, names in lower case. Out: one frozen `CallContext`. The one rule: nothing that is sent can
make this fail; a malformed or repeated `traceparent` is as if none had been sent, and its `tracestate` goes with it.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from backtalk.model.ids import CallKey, SpanId, TraceId, TraceParent, new_ids, new_span_id, parse_traceparent

_SAMPLED: Final = 1
_TRACESTATE_MEMBERS: Final = 32
_TRACESTATE_CHARS: Final = 512

Headers = Sequence[tuple[bytes, bytes]]
"""Header fields in their order, repeated ones included."""


class CallContext(NamedTuple):
    """Whose child this call is, and its own two spans. `span_id` is the GenAI client span's, the call's name."""

    trace_id: TraceId
    span_id: SpanId
    server_span_id: SpanId
    parent_span_id: SpanId | None
    flags: int
    tracestate: str
    traceparent: str
    """What the upstream is told, and in `traceresponse` the app."""

    @property
    def key(self) -> CallKey:
        """The call's key."""
        return CallKey(self.trace_id, self.span_id)


def context_of(headers: Headers, known: Mapping[bytes, bytes] | None = None) -> CallContext:
    """Read or mint the ids of a call; `known` are the same headers by name, where somebody has them so."""
    if b"traceparent" not in (dict(headers) if known is None else known):
        return _minted()
    parents = [value for name, value in headers if name == b"traceparent"]
    parent = parse_traceparent(parents[0].decode("latin-1")) if len(parents) == 1 else None
    if parent is None:
        return _minted()
    return _continued(parent, [value for name, value in headers if name == b"tracestate"])


def _minted() -> CallContext:
    trace_id, span_id, server_span_id = new_ids()
    return CallContext(trace_id, span_id, server_span_id, None, _SAMPLED, "", f"00-{trace_id}-{span_id}-01")


def _continued(parent: TraceParent, states: list[bytes]) -> CallContext:
    state = _joined(states) if states else ""
    trace_id, span_id, flags = parent.trace_id, new_span_id(), parent.flags
    traceparent = f"00-{trace_id}-{span_id}-{flags:02x}"
    return CallContext(trace_id, span_id, new_span_id(), parent.span_id, flags, state, traceparent)


def _joined(states: list[bytes]) -> str:
    """Join repeated `tracestate` fields; whole members fall off the end where it is longer than W3C asks to carry."""
    text = b",".join(states).decode("latin-1")
    if not (text.isascii() and text.isprintable()):
        return ""
    members = [member.strip() for member in text.split(",") if member.strip()][:_TRACESTATE_MEMBERS]
    while members and len(",".join(members)) > _TRACESTATE_CHARS:
        members.pop()
    return ",".join(members)
