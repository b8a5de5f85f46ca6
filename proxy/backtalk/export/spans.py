"""A call as two spans: the HTTP server span at our door and, inside it, the GenAI client span towards the model.

Pure: a `CallClosed` in, two finished spans with the ids that the client saw out. Both last from the request's arrival
to the last byte. Usage stands on the client span alone, so that nobody counts tokens twice.
"""

from typing import Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind
from opentelemetry.trace.status import Status, StatusCode

from backtalk.clock import NS_PER_S
from backtalk.export.kinds import METHODS, OPERATIONS, error_type, method_of, route_of
from backtalk.export.model_calls import Attributes, model_attributes, span_name
from backtalk.export.origin import Origin, context
from backtalk.export.upstreams import base_url, upstream_of
from backtalk.model.facts import CallClosed

_FAILED: Final = frozenset({"upstream_error", "upstream_timeout", "failed", "interrupted"})
_TEXT_LIMIT: Final = 512


def spans_of(call: CallClosed, origin: Origin, more: Attributes | None = None) -> tuple[ReadableSpan, ReadableSpan]:
    """The server span and the client span of a call; the client span of a model call bears `more` besides."""
    opened = call.opened
    server = context(opened.trace_id, opened.server_span_id)
    parent = context(opened.trace_id, opened.parent_span_id, remote=True) if opened.parent_span_id else None
    start_ns, end_ns = opened.opened_ns, opened.opened_ns + max(0, call.duration_ns)
    error = error_type(call)
    genai = opened.api in OPERATIONS
    return (
        ReadableSpan(
            f"{_method(call)} {route_of(call)}",
            server,
            parent,
            origin.resource,
            _server_attributes(call),
            kind=SpanKind.SERVER,
            status=_status(call, failed=call.status >= 500 or call.outcome in _FAILED),
            start_time=start_ns,
            end_time=end_ns,
            instrumentation_scope=origin.scope,
        ),
        ReadableSpan(
            _client_name(call),
            context(opened.trace_id, opened.span_id),
            server,
            origin.resource,
            _genai_attributes(call, error, origin) | (more or {}) if genai else _http_attributes(call, error),
            kind=SpanKind.CLIENT,
            status=_status(call, failed=error is not None and call.outcome != "client_disconnected"),
            start_time=start_ns,
            end_time=end_ns,
            instrumentation_scope=origin.scope,
        ),
    )


def _method(call: CallClosed) -> str:
    return call.opened.method if call.opened.method in METHODS else "HTTP"


def _client_name(call: CallClosed) -> str:
    return span_name(call) if call.opened.api in OPERATIONS else _method(call)


def _status(call: CallClosed, *, failed: bool) -> Status:
    if not failed:
        return Status(StatusCode.UNSET)
    return Status(StatusCode.ERROR, (call.error or call.outcome)[:_TEXT_LIMIT] if call.outcome in _FAILED else None)


def _server_attributes(call: CallClosed) -> Attributes:
    opened = call.opened
    found: Attributes = {
        "http.request.method": method_of(call),
        "http.route": route_of(call),
        "url.path": opened.path[:_TEXT_LIMIT],
        "url.scheme": "http",
        "backtalk.outcome": call.outcome,
        "backtalk.proxy.overhead": call.overhead_ns / NS_PER_S,
    }
    if opened.method not in METHODS:
        found["http.request.method_original"] = opened.method[:_TEXT_LIMIT]
    if call.status:
        found["http.response.status_code"] = call.status
    if opened.user_agent:
        found["user_agent.original"] = opened.user_agent[:_TEXT_LIMIT]
    if call.outcome in _FAILED:
        found["error.type"] = call.outcome
    elif call.status >= 500:
        found["error.type"] = str(call.status)
    if opened.retry_count:
        found["backtalk.client.retry_count"] = opened.retry_count
    return found


def _shared_attributes(call: CallClosed, error: str | None) -> Attributes:
    upstream = upstream_of(call.upstream)
    found: Attributes = {"backtalk.outcome": call.outcome}
    if call.opened.tenant:
        found["backtalk.tenant"] = call.opened.tenant
    if upstream.address:
        found["server.address"] = upstream.address
        if upstream.port:
            found["server.port"] = upstream.port
    if error is not None:
        found["error.type"] = error
    if call.cache:
        found["backtalk.cache"] = call.cache
    if call.attempts:
        found["backtalk.route"] = call.route[:_TEXT_LIMIT]
        found["backtalk.target"] = call.attempts[-1].target
        found["backtalk.attempts"] = len(call.attempts)
    if call.upstream_request_id:
        found["backtalk.upstream.request_id"] = call.upstream_request_id[:_TEXT_LIMIT]
    return found


def _http_attributes(call: CallClosed, error: str | None) -> Attributes:
    found = _shared_attributes(call, error)
    found["http.request.method"] = method_of(call)
    if (base := base_url(call.upstream)) and call.opened.path.startswith("/v1/"):
        found["url.full"] = (base + call.opened.path.removeprefix("/v1"))[:_TEXT_LIMIT]
    if call.status:
        found["http.response.status_code"] = call.status
    return found


def _genai_attributes(call: CallClosed, error: str | None, origin: Origin) -> Attributes:
    found = model_attributes(call, origin.generation) | _shared_attributes(call, error)
    if call.cost_usd is not None:
        found["backtalk.cost"] = call.cost_usd
    return found
