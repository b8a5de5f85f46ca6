"""Understanding a call: path, headers and copied bodies go in, `model.chat` values come out.

Pure, and it never raises: a body that cannot be understood gives a value whose `not_understood` says why. It runs in
the worker, long after the answer has gone.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from backtalk.model.chat import Api, Message, Request, Response
from backtalk.observe import chat, completions, responses, sse
from backtalk.observe.encoding import plain
from backtalk.observe.lenient_json import canonical, is_array, is_object, parse, parse_object
from backtalk.observe.messages import error_of, usage_of

SESSION_HEADER: Final = "x-session-id"
_API_BY_SUFFIX: Final[tuple[tuple[str, Api], ...]] = (
    ("/chat/completions", "chat"),
    ("/completions", "completions"),
    ("/responses", "responses"),
    ("/embeddings", "embeddings"),
    ("/models", "models"),
)
_OWN_FIELDS: Final = frozenset({"model", "stream", "n", "user", "tools"})
_MESSAGE_FIELDS: Final[Mapping[Api, frozenset[str]]] = {
    "chat": _OWN_FIELDS | {"messages"},
    "completions": _OWN_FIELDS | {"prompt"},
    "responses": _OWN_FIELDS | {"input", "instructions"},
    "embeddings": _OWN_FIELDS,
}
"""The fields of a request body that have a place of their own in `Request`; all others are parameters."""
_LISTED: Final[Mapping[Api, str]] = {"chat": "messages", "completions": "prompt", "responses": "input"}
"""The field that holds the conversation."""
_LONGEST_NAME: Final = 256
_MOST_CHOICES: Final = 1 << 31
_TOO_DEEP: Final = "the body is nested too deeply"
MOST_MESSAGES: Final = 10_000
"""Most messages of a request that are understood: each costs its hash, a row and a place in the chain."""


def api_of(path: str) -> Api:
    """Which part of the model API a path belongs to."""
    path = path.rstrip("/")
    for suffix, api in _API_BY_SUFFIX:
        if path.endswith(suffix):
            return api
    return "models" if "/models/" in path else "other"


def request(api: Api, body: bytes, headers: Mapping[str, str], session_header: str = SESSION_HEADER) -> Request:
    """Understand a request body. `headers` have lower-case names; `session_header` may name the session."""
    named = _named_by_header(headers, session_header)
    if api == "models":
        return Request(declared_session=named)
    text, problem = plain(body, headers)
    found = parse_object(text)
    if found.problem:
        why = None if api == "other" else problem or found.problem
        return Request(declared_session=named, not_understood=why)
    try:
        return _request(api, found.value, named, headers)
    except RecursionError:
        return Request(declared_session=named, not_understood=_TOO_DEEP)


def response(api: Api, status: int, headers: Mapping[str, str], body: bytes) -> Response:
    """Understand what the client was sent; `headers` have lower-case names."""
    text, problem = plain(body, headers)
    try:
        found = _response(api, status, headers, text)
    except RecursionError:
        found = Response(not_understood=_TOO_DEEP)
    if problem and api != "other" and found.not_understood is None:
        return msgspec.structs.replace(found, not_understood=problem)
    return found


def _request(api: Api, fields: dict[str, Any], named: str | None, headers: Mapping[str, str]) -> Request:
    messages, why = _messages(api, fields)
    model, count, tools = fields.get("model"), fields.get("n"), fields.get("tools")
    own = _MESSAGE_FIELDS.get(api)
    others = {key: value for key, value in fields.items() if key not in own} if own else None
    return Request(
        model=model if isinstance(model, str) else None,
        messages=messages,
        stream=fields.get("stream") is True,
        choice_count=count if type(count) is int and 1 <= count <= _MOST_CHOICES else 1,
        user=_name(fields.get("user")) or _name(fields.get("safety_identifier")),
        declared_session=named or _named_by_body(fields) or _named_by_baggage(headers.get("baggage", "")),
        tools_json=canonical(tools) if tools and own else None,
        params_json=canonical(others) if others else "{}",
        not_understood=why,
    )


def _messages(api: Api, fields: dict[str, Any]) -> tuple[tuple[Message, ...], str | None]:
    if _message_count(api, fields) > MOST_MESSAGES:
        return (), f"there are more than {MOST_MESSAGES} messages"
    if api == "chat":
        found, missing = chat.request_messages(fields), "messages is no array"
    elif api == "completions":
        found, missing = completions.request_messages(fields), "prompt is neither text nor array"
    elif api == "responses":
        found, missing = responses.request_messages(fields), "input is neither text nor array"
    else:
        return (), None
    return ((), missing) if found is None else (found, None)


def _message_count(api: Api, fields: dict[str, Any]) -> int:
    """How many messages there are to be understood; a prompt of token numbers is one."""
    listed = fields.get(_LISTED.get(api, ""))
    if not is_array(listed) or (api == "completions" and listed and isinstance(listed[0], int)):
        return 0
    return len(listed)


def _named_by_header(headers: Mapping[str, str], session_header: str) -> str | None:
    return _name(headers.get(session_header.lower(), "").strip())


def _named_by_body(fields: dict[str, Any]) -> str | None:
    metadata, conversation = fields.get("metadata"), fields.get("conversation")
    if is_object(metadata) and (named := _name(metadata.get("session_id"))):
        return named
    return _name(conversation.get("id") if is_object(conversation) else conversation)


def _named_by_baggage(baggage: str) -> str | None:
    """The `session.id` entry of a W3C baggage header."""
    for entry in baggage.split(","):
        key, _, value = entry.partition(";")[0].partition("=")
        if key.strip() == "session.id":
            return _name(unquote(value.strip()))
    return None


def _name(value: object) -> str | None:
    """A name that somebody chose; a very long one is replaced by its hash, so it still tells apart."""
    if not isinstance(value, str) or not value:
        return None
    return value if len(value) <= _LONGEST_NAME else f"sha256:{hashlib.sha256(value.encode()).hexdigest()}"


def _response(api: Api, status: int, headers: Mapping[str, str], body: bytes) -> Response:
    if _is_stream(headers, body):
        return _streamed(api, body)
    if api in ("other", "models") and status < 400:
        return Response()
    found = parse_object(body)
    if found.problem:
        why = None if api == "other" or (not body and status in (0, 204, 304)) else found.problem
        return Response(not_understood=why)
    fields: dict[str, Any] = found.value
    if status >= 400:
        kind, message = error_of(fields)
        return Response(error_type=kind, error_message=message)
    return _answer(api, fields)


def _answer(api: Api, fields: dict[str, Any]) -> Response:
    if api == "chat":
        return chat.response(fields)
    if api == "completions":
        return completions.response(fields)
    if api == "responses":
        return responses.response(fields)
    model = fields.get("model")
    return Response(model=model if isinstance(model, str) else None, usage=usage_of(fields.get("usage")))


def _is_stream(headers: Mapping[str, str], body: bytes) -> bool:
    kind = headers.get("content-type")
    if kind is None:
        return body.startswith((b"data:", b"event:", b":"))
    return kind.lower().startswith("text/event-stream")


def _streamed(api: Api, body: bytes) -> Response:
    problems: list[str] = []
    chunks = _objects(sse.events(body), problems)
    if api == "chat":
        found = chat.response(chat.assemble(chunks))
    elif api == "completions":
        found = completions.response(chat.assemble(chunks, "text", "text"))
    elif api == "responses":
        found = responses.response(responses.assemble(chunks))
    else:
        found = Response()
    if not problems:
        return found
    why = f"{len(problems)} events of the stream were not understood: {problems[0]}"
    return msgspec.structs.replace(found, not_understood=why)


def _objects(events: Iterator[sse.Event], problems: list[str]) -> Iterator[dict[str, Any]]:
    """The objects that a stream carried; a broken event at its very end is where the stream was cut."""
    broken: str | None = None
    for event in events:
        if broken:
            problems.append(broken)
            broken = None
        if event.data.strip() == b"[DONE]":
            continue
        value, problem = parse(event.data)
        if is_object(value):
            yield value
        else:
            broken = problem or "an event is JSON, but no object"
