"""From a feedback frame in the spool to the fact in the journal: pure, so that a repeat gives the same fact.

In: a frame, and the metrics that the settings declare. Out: the fact, with what its metric means written into it: a
declaration may change later.
"""

from collections.abc import Mapping
from typing import Any

from backtalk.model import feedback, frames
from backtalk.model.facts import FeedbackGiven
from backtalk.model.feedback import CallNamed, FeedbackBody, Target
from backtalk.model.ids import SpanId, TraceId, parse_request_id, parse_traceparent
from backtalk.settings.metrics import MetricSettings

_SAME = (
    "kind",
    "metric",
    "comment",
    "rater",
    "at_ns",
    "supersedes",
    "choice",
    "span",
    "distance",
    "duration_s",
    "rubric",
)


def feedback_given(frame: frames.Feedback, declared: Mapping[str, MetricSettings] | None = None) -> FeedbackGiven:
    """Make the fact; raises `msgspec.MsgspecError` where the frame's body is none of ours."""
    body = feedback.read(frame.body)
    trace_id, span_id, parent_span_id = _target(body)
    return FeedbackGiven(
        feedback_id=frame.feedback_id,
        value_json=feedback.value_json(body),
        tenant=frame.tenant,
        given_ns=frame.wall_ns,
        trace_id=TraceId(frame.trace_id),
        span_id=SpanId(frame.span_id),
        target_trace_id=trace_id,
        target_span_id=span_id,
        target_response_id=body.response_id,
        target_parent_span_id=parent_span_id,
        target_session_id=body.session_id,
        body_sha256=feedback.sha256_of(frame.body),
        source=frame.source,
        channel=frame.channel,
        key_id=frame.key_id,
        calls=_calls(body),
        **{name: getattr(body, name) for name in _SAME},
        **_measured(body, (declared or {}).get(body.metric or "")),
    )


def _measured(body: FeedbackBody, metric: MetricSettings | None) -> dict[str, Any]:
    """What a value of the metric means: as declared, else as it was said."""
    if metric is None:
        level = body.level or ("session" if body.session_id else "call")
        return {"range": body.range, "level": level if body.kind == "outcome" else body.level}
    return {"range": body.range or metric.range, "level": metric.level, "direction": metric.direction}


def _calls(body: FeedbackBody) -> tuple[CallNamed, ...]:
    """The several calls, those of a ranking with their places."""
    seen = {target: at for at, target in enumerate(body.shown)}
    ranked = [(rank, target) for rank, group in enumerate(body.order) for target in group]
    if not ranked:
        return tuple(_named(target) for target in body.calls)
    return tuple(_named(target, rank, seen.get(target)) for rank, target in ranked)


def _named(target: Target, rank: int | None = None, shown: int | None = None) -> CallNamed:
    trace_id, span_id, parent_span_id = _target(target)
    return CallNamed(trace_id, span_id, target.response_id, parent_span_id, target.choice, rank, shown)


def _target(body: FeedbackBody | Target) -> tuple[TraceId | None, SpanId | None, SpanId | None]:
    """Trace, span, and the span of a traceparent, which may be the call's own or its parent's."""
    request = parse_request_id(body.request_id or "")
    if request is not None:
        return request.trace_id, request.span_id, None
    parent = parse_traceparent(body.traceparent or "")
    if parent is not None:
        return parent.trace_id, None, parent.span_id
    trace_id = TraceId(body.trace_id) if body.trace_id else None
    return trace_id, SpanId(body.span_id) if body.span_id else None, None
