"""From a feedback frame in the spool to the fact in the journal: pure, so that a repeat gives the same fact."""

from backtalk.model import feedback, frames
from backtalk.model.facts import FeedbackGiven
from backtalk.model.ids import SpanId, TraceId, parse_request_id, parse_traceparent


def feedback_given(frame: frames.Feedback) -> FeedbackGiven:
    """Make the fact; raises `msgspec.MsgspecError` where the frame's body is none of ours."""
    body = feedback.read(frame.body)
    trace_id, span_id, parent_span_id = _target(body)
    return FeedbackGiven(
        feedback_id=frame.feedback_id,
        kind=body.kind,
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
        metric=body.metric,
        comment=body.comment,
        rater=body.rater,
        body_sha256=feedback.sha256_of(frame.body),
    )


def _target(body: feedback.FeedbackBody) -> tuple[TraceId | None, SpanId | None, SpanId | None]:
    """Trace, span, and the span of a traceparent, which may be the call's own or its parent's."""
    request = parse_request_id(body.request_id or "")
    if request is not None:
        return request.trace_id, request.span_id, None
    parent = parse_traceparent(body.traceparent or "")
    if parent is not None:
        return parent.trace_id, None, parent.span_id
    trace_id = TraceId(body.trace_id) if body.trace_id else None
    return trace_id, SpanId(body.span_id) if body.span_id else None, None
