"""What feedback asks of Redis while somebody waits: has it come before, and which call is it about.

In: a tenant, the id of a feedback that may come again, the checked body. Out: `Found`, within the budget. The one
rule: fail open; a Redis that is away, slow or empty makes the reply say less and never costs the feedback, and a
failing one is left alone for a pause.
The mark of a repeat holds the first result; `remember` sets it once the feedback is durable, so that it never lies.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple, cast, get_args

from backtalk import clock
from backtalk.model.feedback import FeedbackBody
from backtalk.model.ids import CallKey, SpanId, TraceId, TraceParent, parse_request_id, parse_traceparent
from backtalk.model.meter import Meter
from backtalk.session import keys
from backtalk.session.breaker import Breaker
from backtalk.session.lookup import LoadingError, Lookup
from backtalk.session.round_trips import Command

_log: Final = logging.getLogger(__name__)

TargetStatus = Literal["resolved", "pending", "ambiguous", "session", "unknown"]
"""`resolved`: one call. `pending`: no call is known under this key yet. `ambiguous`: several calls. `session`: the
feedback is about a whole session. `unknown`: it could not be looked up, or is about several calls or another feedback;
the join on reading decides."""


class First(NamedTuple):
    """What was answered to the first feedback under an id, and its body's sha256: a repeat is told the same."""

    sha256: str
    target: CallKey | None
    status: TargetStatus


class Found(NamedTuple):
    """What Redis knew; `first` where a feedback came before under the same id."""

    first: First | None
    target: CallKey | None
    status: TargetStatus


_STATUSES: Final[Mapping[str, TargetStatus]] = {status: status for status in get_args(TargetStatus)}
_UNKNOWN: Final = Found(None, None, "unknown")


class Targets:
    """The look-ups of one process. Without a URL, nothing is ever known."""

    def __init__(self, url: str | None, *, secret: bytes, metrics: Meter, lookup_ms: float, mark_ttl_s: int) -> None:
        self._secret = secret
        self._metrics = metrics
        self._mark_ttl_s = mark_ttl_s
        self._breaker = Breaker()
        self._lookup = None if url is None else Lookup(url, budget_s=lookup_ms / 1000)

    async def warm(self) -> None:
        """Load the client library ahead of the first feedback, in a thread."""
        if self._lookup is not None:
            await self._lookup.warm()

    async def look_up(self, tenant: str, feedback_id: str | None, body: FeedbackBody) -> Found:
        """Ask for the mark, where an id may have come before, and for the target, in one round trip."""
        marks: list[Command] = [] if feedback_id is None else [("GET", keys.idempotency(self._secret, feedback_id))]
        commands = [*marks, *self._target_command(tenant, body)]
        replies = await self._send(commands) if commands else []
        if replies is None:
            return _UNKNOWN if body.session_id is None else Found(None, None, "session")
        first = _first(replies[0]) if marks else None
        return Found(first, *_target(body, replies[len(marks) :]))

    async def remember(self, feedback_id: str, result: First) -> First:
        """Mark a durable feedback; gives the first result, which is another one where two came at the same time."""
        key = keys.idempotency(self._secret, feedback_id)
        replies = await self._send([("SET", key, _mark(result), "NX", "EX", self._mark_ttl_s)])
        if replies is None or replies[0] is not None:
            return result
        standing = await self._send([("GET", key)])
        return result if standing is None else _first(standing[0]) or result

    async def aclose(self) -> None:
        """Close the connection."""
        if self._lookup is not None:
            await self._lookup.aclose()

    def _target_command(self, tenant: str, body: FeedbackBody) -> list[Command]:
        if body.response_id is not None:
            return [("GET", keys.response(self._secret, tenant, body.response_id))]
        trace_id = named_trace(body)
        return [] if trace_id is None else [("LRANGE", keys.trace(self._secret, tenant, trace_id), 0, -1)]

    async def _send(self, commands: Sequence[Command]) -> list[object] | None:
        """The replies, or None where Redis is away or slow."""
        if self._lookup is None or not self._breaker.may_try(clock.monotonic_ns()):
            return None
        try:
            replies = await self._lookup.send(commands)
        except OSError as error:  # TimeoutError is one
            self._failed(error)
            return None
        self._breaker.succeeded()
        return replies

    def _failed(self, error: OSError) -> None:
        if not isinstance(error, LoadingError):
            if not self._breaker.broken:
                reason = str(error) or type(error).__name__
                _log.warning("Redis does not answer in time; feedback is taken without its look-ups: %s", reason)
            self._breaker.failed(clock.monotonic_ns())
        self._metrics.add("backtalk.feedback.lookups_timed_out")


def named_trace(body: FeedbackBody) -> TraceId | None:
    """The trace that a feedback names in any of its forms."""
    named = _named(body)
    return named.trace_id if named else (TraceId(body.trace_id) if body.trace_id else None)


def _named(body: FeedbackBody) -> CallKey | TraceParent | None:
    """The ids in a request id or a traceparent."""
    if body.request_id is not None:
        return parse_request_id(body.request_id)
    return None if body.traceparent is None else parse_traceparent(body.traceparent)


def _target(body: FeedbackBody, answers: Sequence[object]) -> tuple[CallKey | None, TargetStatus]:
    if body.session_id is not None:
        return None, "session"
    if body.response_id is not None:
        found = answers[0]
        key = parse_request_id(found.decode()) if isinstance(found, bytes) else None
        return key, "resolved" if key else "pending"
    trace_id = named_trace(body)
    if trace_id is None:
        return None, "unknown"
    spans = [SpanId(span.decode()) for span in cast("list[bytes]", answers[0])]
    return _of_trace(body, trace_id, spans)


def _of_trace(body: FeedbackBody, trace_id: TraceId, spans: Sequence[SpanId]) -> tuple[CallKey | None, TargetStatus]:
    """Choose among the trace's calls; a traceparent may also name a call's parent, which only the join can tell."""
    ids = _named(body)
    named = body.span_id if ids is None else ids.span_id
    if named is not None:
        if named in spans:
            return CallKey(trace_id, SpanId(named)), "resolved"
        return None, "unknown" if body.traceparent and spans else "pending"
    if len(spans) == 1:
        return CallKey(trace_id, spans[0]), "resolved"
    return None, "ambiguous" if spans else "pending"


def _mark(result: First) -> str:
    target = result.target.request_id if result.target else "-"
    return f"{result.sha256} {result.status} {target}"


def _first(mark: object) -> First | None:
    """Read a mark; one that an older version left holds the sha256 alone."""
    if not isinstance(mark, bytes):
        return None
    sha256, status, target, *_ = [*mark.decode("latin-1").split(" "), "", ""]
    return First(sha256, parse_request_id(target), _STATUSES.get(status, "unknown"))
