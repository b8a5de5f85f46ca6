"""Answers to what no app ever sees: requests that the HTTP parser refuses.

In: why. Out: the bytes of a whole response, with ids of its own, after which the connection closes. The one rule: what
was sent is not repeated in the answer.
"""

import http
from typing import Final

import httptools

from backtalk.errors import BacktalkError, RequestError
from backtalk.model.ids import new_span_id, new_trace_id
from backtalk.web.problems import problem

_PHRASES: Final = {status.value: status.phrase.encode("ascii") for status in http.HTTPStatus}
STATUS_LINES: Final = {n: b"HTTP/1.1 %d %b" % (n, _PHRASES.get(n, b"")) for n in range(100, 1000)}
"""Status lines, without their ends, of every three-digit status, known or not."""


def refusal(error: BacktalkError) -> bytes:
    """A whole HTTP response that refuses a request under fresh ids and closes the connection."""
    trace_id, span_id = new_trace_id(), new_span_id()
    answer = problem(error, trace_id=trace_id)
    lines = (
        f"x-request-id: {trace_id}-{span_id}",
        f"x-trace-id: {trace_id}",
        f"traceresponse: 00-{trace_id}-{span_id}-01",
        "connection: close\r\n\r\n",
    )
    fields = b"".join(b"%b: %b\r\n" % field for field in answer.headers)
    return b"".join((STATUS_LINES[answer.status], b"\r\n", fields, "\r\n".join(lines).encode("ascii"), answer.body))


def too_large(what: str, limit_bytes: int, *, status: int) -> RequestError:
    """A head that is above the limit."""
    return RequestError(f"the {what} must not exceed {limit_bytes} bytes", code="head_too_large", status=status)


def still(patience_s: float) -> RequestError:
    """A body that does not go on."""
    return RequestError(f"nothing of the request body came for {patience_s:g} s", code="body_timeout", status=408)


def unreadable(error: httptools.HttpParserError, *, in_body: bool) -> RequestError:
    """What the parser refused, by the place where it stopped."""
    if in_body:
        return RequestError("the request body is not framed as HTTP/1.1 allows", code="malformed_body")
    if isinstance(error, httptools.HttpParserInvalidMethodError):
        return RequestError("the request method is not one of HTTP's", code="malformed_request")
    if isinstance(error, httptools.HttpParserInvalidURLError):
        return RequestError("the request target is not a valid path", code="malformed_request")
    return RequestError("the request line or a header field is not valid HTTP/1.1", code="malformed_request")
