"""Attempts as spans inside the client span."""

from opentelemetry.trace import SpanKind, StatusCode, format_span_id

from backtalk.export.attempts import attempt_spans
from backtalk.export.origin import origin
from backtalk.model.frames import Attempt
from backtalk.testing.facts import START_NS, closed_call

FAILED = Attempt("a" * 16, "here", "raw", START_NS, 5_000, "10.0.0.1:8000", "big", 503, "status_503")
ANSWERED = Attempt("b" * 16, "there", "raw", START_NS + 9_000, 7_000, "api.openai.com:443", None, 200, None)


def test_a_call_without_a_route_has_no_attempts() -> None:
    """Nothing is added to a call that went to the one upstream."""
    assert attempt_spans(closed_call(), origin()) == []


def test_each_attempt_is_a_span_of_its_own_under_the_client_span() -> None:
    """Ids are those that the targets saw; what failed says so, what was sent again says how often."""
    call = closed_call(route="fast", attempts=(FAILED, ANSWERED))
    first, second = attempt_spans(call, origin())
    for span, attempt in ((first, FAILED), (second, ANSWERED)):
        assert span.parent is not None
        assert span.context is not None
        assert format_span_id(span.parent.span_id) == call.opened.span_id
        assert format_span_id(span.context.span_id) == attempt.span_id
        assert (span.kind, span.start_time) == (SpanKind.CLIENT, attempt.started_ns)
        assert span.end_time == attempt.started_ns + attempt.duration_ns
    assert (first.status.status_code, second.status.status_code) == (StatusCode.ERROR, StatusCode.UNSET)
    assert dict(first.attributes or {}) == {
        "http.request.method": "POST",
        "backtalk.route": "fast",
        "backtalk.target": "here",
        "backtalk.lane": "raw",
        "backtalk.target.model": "big",
        "server.address": "10.0.0.1",
        "server.port": 8000,
        "http.response.status_code": 503,
        "error.type": "status_503",
    }
    assert (second.attributes or {})["http.request.resend_count"] == 1
