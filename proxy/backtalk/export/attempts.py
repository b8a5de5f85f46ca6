"""The attempts of a routed call as spans inside its GenAI client span: one HTTP client span a try.

Pure: a `CallClosed` in, finished spans out, with the ids that each target saw as its parent.
"""

from typing import Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind
from opentelemetry.trace.status import Status, StatusCode

from backtalk.export.kinds import method_of
from backtalk.export.origin import Origin, context
from backtalk.export.parameters import AttributeValue
from backtalk.export.upstreams import upstream_of
from backtalk.model.facts import CallClosed
from backtalk.model.frames import Attempt
from backtalk.model.ids import SpanId

_TEXT_LIMIT: Final = 512


def attempt_spans(call: CallClosed, origin: Origin) -> list[ReadableSpan]:
    """One span an attempt; none for a call that no route has sent on."""
    parent = context(call.opened.trace_id, call.opened.span_id)
    return [
        ReadableSpan(
            method_of(call),
            context(call.opened.trace_id, SpanId(attempt.span_id)),
            parent,
            origin.resource,
            _attributes(call, attempt, number),
            kind=SpanKind.CLIENT,
            status=Status(StatusCode.ERROR if attempt.error else StatusCode.UNSET),
            start_time=attempt.started_ns,
            end_time=attempt.started_ns + max(0, attempt.duration_ns),
            instrumentation_scope=origin.scope,
        )
        for number, attempt in enumerate(call.attempts)
    ]


def _attributes(call: CallClosed, attempt: Attempt, number: int) -> dict[str, AttributeValue]:
    upstream = upstream_of(attempt.upstream)
    found: dict[str, AttributeValue] = {
        "http.request.method": method_of(call),
        "backtalk.route": call.route[:_TEXT_LIMIT],
        "backtalk.target": attempt.target,
        "backtalk.lane": attempt.lane,
    }
    if number:
        found["http.request.resend_count"] = number
    if attempt.model is not None:
        found["backtalk.target.model"] = attempt.model[:_TEXT_LIMIT]
    if upstream.address:
        found["server.address"] = upstream.address
        if upstream.port:
            found["server.port"] = upstream.port
    if attempt.status:
        found["http.response.status_code"] = attempt.status
    if attempt.error:
        found["error.type"] = attempt.error[:_TEXT_LIMIT]
    return found
