"""Facts of a call: frames from the spool go in, `CallOpened` and `CallClosed` come out. Pure.

A fact holds what was understood, never the raw bytes. `open_calls` has it redacted before anybody else sees it.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from backtalk.model.chat import Api, Message, Request, Response, Usage
from backtalk.model.endpoints import api_of
from backtalk.model.facts import CallClosed, CallOpened
from backtalk.model.frames import Capture, Closed, Opened
from backtalk.model.ids import SpanId, TraceId
from backtalk.observe import understand

RETRY_HEADER: Final = "x-stainless-retry-count"
"""How OpenAI's clients number their automatic retries."""
_REQUEST_IDS: Final = ("x-upstream-request-id", "x-request-id", "request-id", "apim-request-id")
"""The provider's own name of a call: OpenAI's, Anthropic's, Azure's."""
_CHARS_PER_TOKEN: Final = 4
_GENERATING: Final = frozenset({"chat", "completions", "responses", "messages", "ollama_chat", "ollama_generate"})


def opened(frame: Opened, *, late: bool) -> CallOpened:
    """A call's arrival, its request still empty."""
    headers = by_name(frame.headers)
    return CallOpened(
        trace_id=TraceId(frame.trace_id),
        span_id=SpanId(frame.span_id),
        server_span_id=SpanId(frame.server_span_id),
        parent_span_id=SpanId(frame.parent_span_id) if frame.parent_span_id else None,
        opened_ns=frame.wall_ns,
        boot_ns=frame.boot_ns,
        tenant=frame.tenant,
        method=frame.method,
        path=frame.path,
        api=api_of(frame.path),
        request=Request(),
        client_hash=frame.client_hash,
        user_agent=headers.get("user-agent", ""),
        retry_count=_retry_count(headers.get(RETRY_HEADER, "")),
        late=late,
    )


def with_request(call: CallOpened, body: bytes, headers: Iterable[tuple[str, str]], session_header: str) -> CallOpened:
    """The arrival with its request understood; a request without a body (GET) has nothing to understand."""
    request = request_of(call.api, call.method, body, by_name(headers), session_header)
    return msgspec.structs.replace(call, request=request)


def request_of(api: Api, method: str, body: bytes, headers: Mapping[str, str], session_header: str) -> Request:
    """What was asked; a request without a body (GET) has nothing to understand."""
    request = understand.request(api, body, headers, session_header)
    if not body and method not in ("POST", "PUT", "PATCH"):
        return Request(declared_session=request.declared_session)
    return request


def announced(call: CallOpened) -> CallOpened:
    """The arrival as the journal holds it: who asks which model; the messages follow in `CallClosed`."""
    asked = call.request
    known = Request(
        model=asked.model,
        stream=asked.stream,
        user=asked.user,
        declared_session=asked.declared_session,
        purpose=asked.purpose,
    )
    return msgspec.structs.replace(call, request=known)


def closed(call: CallOpened, frame: Closed, *, request_bytes: int, request_capture: Capture) -> CallClosed:
    """A call's end, its response understood from the frame's body."""
    response = understand.response(
        call.api,
        frame.status,
        by_name(frame.headers),
        frame.body,
        sha256=frame.body_sha256,
        size_bytes=frame.body_bytes,
    )
    left = frame.outcome == "client_disconnected" and bool(frame.upstream)
    response = _with_usage(call, frame.status, response, left=left)
    return ended(call, frame, response, request_bytes=request_bytes, request_capture=request_capture)


def ended(
    call: CallOpened, frame: Closed, response: Response, *, request_bytes: int, request_capture: Capture
) -> CallClosed:
    """A call's end with a response that was understood before."""
    headers = by_name(frame.headers)
    return CallClosed(
        opened=call,
        closed_ns=frame.wall_ns,
        duration_ns=frame.duration_ns,
        status=frame.status,
        outcome="completed" if _came_whole(call, frame, response) else frame.outcome,
        response=response,
        first_byte_ns=frame.first_byte_ns,
        overhead_ns=frame.overhead_ns,
        chunks=frame.chunks,
        request_bytes=request_bytes,
        response_bytes=frame.body_bytes,
        request_capture=request_capture,
        response_capture=frame.capture,
        upstream=frame.upstream,
        upstream_request_id=next((headers[name] for name in _REQUEST_IDS if name in headers), None),
        error=frame.error,
        route=frame.route,
        attempts=frame.attempts,
        key_id=frame.key_id,
        cache=frame.cache,
        ask=frame.ask,
    )


def interrupted(call: CallOpened, seen_ns: int, *, request_bytes: int, request_capture: Capture) -> CallClosed:
    """The end of a call whose proxy is gone: nothing is known of its response. `seen_ns` is the proxy's last sign."""
    return CallClosed(
        opened=call,
        closed_ns=max(seen_ns, call.opened_ns),
        duration_ns=max(0, seen_ns - call.opened_ns),
        status=0,
        outcome="interrupted",
        response=Response(),
        request_bytes=request_bytes,
        request_capture=request_capture,
        response_capture="none",
    )


def by_name(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Header fields by lower-case name; repeated fields are joined as RFC 9110, section 5.3, says."""
    found: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def _came_whole(call: CallOpened, frame: Closed, response: Response) -> bool:
    """Whether the client left with the whole answer: clients close a stream at `[DONE]`, before its end."""
    if frame.outcome != "client_disconnected":
        return False
    return len(response.finish_reasons) >= call.request.choice_count and all(response.finish_reasons)


def _retry_count(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 6 else 0


def _with_usage(call: CallOpened, status: int, response: Response, *, left: bool) -> Response:
    """Estimate the tokens where a stream that was cut, or a provider, reported none.

    A client that left before the first word has had its request read all the same.
    """
    answered = bool(response.choices) or left
    if response.usage is not None or not answered or status >= 400 or call.api not in _GENERATING:
        return response
    usage = Usage(
        input_tokens=_estimate(call.request.messages), output_tokens=_estimate(response.choices), estimated=True
    )
    return msgspec.structs.replace(response, usage=usage)


def _estimate(messages: Iterable[Message]) -> int:
    chars = sum(
        len(message.text) + len(message.reasoning or "") + sum(len(call.arguments) for call in message.tool_calls)
        for message in messages
    )
    return -(-chars // _CHARS_PER_TOKEN)
