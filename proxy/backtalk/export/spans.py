"""A call as two spans: the HTTP server span at our door and, inside it, the GenAI client span towards the model.

Pure: a `CallClosed` in, two finished spans with the ids that the client saw out. Both last from the request's arrival
to the last byte. Usage stands on the client span alone, so that nobody counts tokens twice.
"""

from typing import Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind
from opentelemetry.trace.status import Status, StatusCode

from backtalk.clock import NS_PER_S
from backtalk.export import parameters
from backtalk.export.content import choices_json, messages_json
from backtalk.export.kinds import METHODS, OPERATIONS, error_type, method_of, route_of
from backtalk.export.origin import Origin, context
from backtalk.export.parameters import AttributeValue
from backtalk.export.upstreams import base_url, provider_of, upstream_of
from backtalk.model.chat import Usage
from backtalk.model.facts import CallClosed

_FAILED: Final = frozenset({"upstream_error", "upstream_timeout", "failed", "interrupted"})
_TEXT_LIMIT: Final = 512
_MADE: Final = {"images": "image", "speech": "speech", "transcriptions": "text", "translations": "text"}
"""What an endpoint makes, where it makes one thing only."""

Attributes = dict[str, AttributeValue]


def spans_of(call: CallClosed, origin: Origin, *, content: bool = False) -> tuple[ReadableSpan, ReadableSpan]:
    """The server span and the client span of a call."""
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
            _genai_attributes(call, error, content=content) if genai else _http_attributes(call, error),
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
    operation = OPERATIONS.get(call.opened.api)
    if operation is None:
        return _method(call)
    model = call.opened.request.model
    return f"{operation} {model[:_TEXT_LIMIT]}" if model else operation


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


def _genai_attributes(call: CallClosed, error: str | None, *, content: bool) -> Attributes:
    request, response = call.opened.request, call.response
    found: Attributes = {
        "gen_ai.operation.name": OPERATIONS[call.opened.api],
        "gen_ai.provider.name": provider_of(call),
    }
    if request.model:
        found["gen_ai.request.model"] = request.model[:_TEXT_LIMIT]
    if request.stream:
        found["gen_ai.request.stream"] = True
        if call.first_byte_ns is not None:
            found["gen_ai.response.time_to_first_chunk"] = call.first_byte_ns / NS_PER_S
    if request.choice_count != 1:
        found["gen_ai.request.choice.count"] = request.choice_count
    if response.id:
        found["gen_ai.response.id"] = response.id[:_TEXT_LIMIT]
    if response.model:
        found["gen_ai.response.model"] = response.model[:_TEXT_LIMIT]
    if reasons := _finish_reasons(call):
        found["gen_ai.response.finish_reasons"] = reasons
    found |= _shared_attributes(call, error) | _session(call) | _usage(response.usage) | _prompt(call)
    if call.cost_usd is not None:
        found["backtalk.cost"] = call.cost_usd
    found |= parameters.of_request(request.params_json)
    if kind := _MADE.get(call.opened.api):
        found["gen_ai.output.type"] = kind
    return found | _content(call) if content else found


def _finish_reasons(call: CallClosed) -> tuple[str, ...]:
    """One reason a choice; `error` where the answer was cut before it gave one."""
    reasons, count = call.response.finish_reasons, len(call.response.choices)
    if call.outcome == "completed":
        return reasons
    return tuple(reason or "error" for reason in reasons) + ("error",) * max(count - len(reasons), not reasons)


def _prompt(call: CallClosed) -> Attributes:
    """The prompt template, as far as the app named it."""
    told = {"name": call.opened.request.prompt_name, "version": call.opened.request.prompt_version}
    return {f"gen_ai.prompt.{part}": value for part, value in told.items() if value}


def _session(call: CallClosed) -> Attributes:
    """A session that the app named is a conversation; one that we inferred must not be called so."""
    declared = call.opened.request.declared_session
    found: Attributes = {}
    if declared:
        found["gen_ai.conversation.id"] = declared
        found["session.id"] = declared
        if call.session_id:
            found["backtalk.session.id"] = call.session_id
    elif call.session_id:
        found["session.id"] = call.session_id
        found["backtalk.session.inferred_id"] = call.session_id
    return found


def _usage(usage: Usage | None) -> Attributes:
    if usage is None:
        return {}
    counts = {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
    }
    return {name: count for name, count in counts.items() if count is not None}


def _content(call: CallClosed) -> Attributes:
    request, response = call.opened.request, call.response
    found: Attributes = {}
    if request.messages:
        found["gen_ai.input.messages"] = messages_json(request.messages)
    if response.choices:
        found["gen_ai.output.messages"] = choices_json(response.choices, response.finish_reasons)
    if request.tools_json:
        found["gen_ai.tool.definitions"] = request.tools_json
    if request.user:
        found["user.id"] = request.user
    return found
