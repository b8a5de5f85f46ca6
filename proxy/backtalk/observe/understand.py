"""Understanding a call: which API, headers and copied bodies go in, `model.chat` values come out.

Pure, and it never raises: a body that cannot be understood gives a value whose `not_understood` says why. It runs in
the worker, long after the answer has gone.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from backtalk.model.chat import Api, Media, Message, Request, Response
from backtalk.observe import credentials, naming, sse
from backtalk.observe.dialects import DIALECTS, PLAIN, Dialect
from backtalk.observe.encoding import plain
from backtalk.observe.forms import form_of, is_form
from backtalk.observe.lenient_json import is_array, is_object, parse, parse_object
from backtalk.observe.media import media_of, without_bytes
from backtalk.observe.messages import error_of, refs_of

SESSION_HEADER: Final = "x-session-id"
_MOST_CHOICES: Final = 1 << 31
MOST_MESSAGES: Final = 10_000
"""Most messages of a request that are understood: each costs its hash, a row and a place in the chain."""
_TOO_DEEP: Final = "the body is nested too deeply"
_LARGE_CHARS: Final = 2048
"""Parameters beyond this size are looked through for bytes."""
_TRUE: Final = (True, "true")
_JSON_LINES: Final = ("application/x-ndjson", "application/jsonl")
_JSON_ONLY: Final = frozenset(
    {"chat", "completions", "responses", "messages", "count_tokens", "ollama_chat", "ollama_generate"}
    | {"embeddings", "ollama_embed", "models", "moderations", "stored_responses"}
)
"""APIs whose answers are JSON or events: anything else (an HTML page of some gateway) is not understood."""
_EVENTS: Final = "text/event-stream"


def request(api: Api, body: bytes, headers: Mapping[str, str], session_header: str = SESSION_HEADER) -> Request:
    """Understand a request body. `headers` have lower-case names; `session_header` may name the session."""
    named = naming.session_by_header(headers, session_header)
    if api == "models":
        return Request(declared_session=named)
    text, problem = plain(body, headers)
    files: tuple[Media, ...] = ()
    if is_form(headers):
        fields, files, why = form_of(text, headers["content-type"])
        problem = problem or why
    else:
        found = parse_object(text)
        if found.problem:
            why = (problem or found.problem) if api in DIALECTS else None
            return Request(declared_session=named, not_understood=why)
        fields = found.value
    try:
        understood = _request(api, fields, named, headers)
        understood = _with_files(understood, files) if files else understood
    except RecursionError:
        return Request(declared_session=named, not_understood=_TOO_DEEP)
    return msgspec.structs.replace(understood, not_understood=problem) if problem else understood


def response(
    api: Api,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    sha256: str | None = None,
    size_bytes: int | None = None,
) -> Response:
    """Understand what the client was sent; `headers` have lower-case names.

    `sha256` and `size_bytes` are of the whole body, where `body` is only its beginning.
    """
    text, problem = plain(body, headers)
    try:
        if status < 400 and _is_media(api, headers, text):
            return _media(api, headers, text, sha256, size_bytes)
        found = _response(api, status, headers, text)
    except RecursionError:
        found = Response(not_understood=_TOO_DEEP)
    if problem and api in DIALECTS and found.not_understood is None:
        return msgspec.structs.replace(found, not_understood=problem)
    return found


def _request(api: Api, fields: dict[str, Any], named: str | None, headers: Mapping[str, str]) -> Request:
    dialect = DIALECTS.get(api)
    messages, why = _messages(dialect or PLAIN, fields)
    model, count, tools = fields.get("model"), fields.get("n"), fields.get("tools")
    others = {key: value for key, value in fields.items() if key not in dialect.own} if dialect else None
    prompt_name, prompt_version = naming.prompt(headers, fields)
    session = named or naming.session_by_body(fields) or naming.session_by_baggage(headers.get("baggage", ""))
    return Request(
        model=model if isinstance(model, str) else None,
        messages=messages,
        stream=fields.get("stream", bool(dialect and dialect.streams)) in _TRUE,
        choice_count=count if type(count) is int and 1 <= count <= _MOST_CHOICES else 1,
        user=naming.end_user(fields),
        declared_session=session,
        previous_response=naming.named(fields.get("previous_response_id")),
        conversation=naming.conversation(fields) if api == "responses" else None,
        prompt_name=prompt_name,
        prompt_version=prompt_version,
        purpose=naming.purpose(headers),
        tools_json=credentials.kept(tools) if tools and dialect else None,
        params_json=_parameters(others) if others else "{}",
        not_understood=why,
    )


def _messages(dialect: Dialect, fields: dict[str, Any]) -> tuple[tuple[Message, ...], str | None]:
    """The messages, or why there are none; a prompt of token numbers is one message."""
    listed = fields.get(dialect.listed)
    many = is_array(listed) and len(listed) > MOST_MESSAGES and not isinstance(listed[0], int)
    found = () if many else dialect.messages(fields)
    if found is None:
        return (), dialect.missing
    if many or len(found) > MOST_MESSAGES:
        return (), f"there are more than {MOST_MESSAGES} messages"
    return found, None


def _parameters(others: dict[str, Any]) -> str:
    text = credentials.kept(others)
    return text if len(text) <= _LARGE_CHARS else credentials.kept(without_bytes(others)[0])


def _with_files(understood: Request, files: tuple[Media, ...]) -> Request:
    """The files of a form belong to what was asked; alone they are all that was."""
    asked = understood.messages[-1] if understood.messages else Message(role="user")
    media = (*asked.media, *files)
    last = msgspec.structs.replace(asked, media=media, attachments=refs_of(media))
    return msgspec.structs.replace(understood, messages=(*understood.messages[:-1], last))


def _response(api: Api, status: int, headers: Mapping[str, str], body: bytes) -> Response:
    dialect = DIALECTS.get(api)
    if (pieces := _pieces(headers, body)) is not None:
        return _streamed(api, pieces)
    if dialect is None and status < 400:
        return Response()
    found = parse_object(body)
    if found.problem:
        why = None if dialect is None or (not body and status in (0, 204, 304)) else found.problem
        return Response(not_understood=why)
    fields: dict[str, Any] = found.value
    if status >= 400:
        kind, message = error_of(fields)
        return Response(error_type=kind, error_message=message)
    return (dialect or PLAIN).answer(fields)


def _is_media(api: Api, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the body is a sound, a picture, a file or a transcript as a whole."""
    kind = headers.get("content-type", "").lower()
    if not body or not kind or api in _JSON_ONLY:
        return False
    return not ("json" in kind or kind.startswith("text/event-stream"))


def _media(api: Api, headers: Mapping[str, str], body: bytes, sha256: str | None, size_bytes: int | None) -> Response:
    kind = headers["content-type"].partition(";")[0].strip().lower()
    if api in ("transcriptions", "translations") and kind.startswith("text/"):
        return Response(choices=(Message(role="assistant", text=body.decode("utf-8", "replace")),))
    media = media_of(body, kind)
    if sha256 is not None:
        media = msgspec.structs.replace(media, sha256=sha256, size_bytes=size_bytes)
    return Response(choices=(Message(role="assistant", media=(media,)),))


def _pieces(headers: Mapping[str, str], body: bytes) -> Iterator[bytes] | None:
    """The pieces of a stream: events, or lines of JSON; None where the body is one value."""
    kind = headers.get("content-type")
    if kind is not None and kind.lower().startswith(_JSON_LINES):
        return (line for line in body.splitlines() if line.strip())
    streams = body.startswith((b"data:", b"event:", b":")) if kind is None else kind.lower().startswith(_EVENTS)
    return (event.data for event in sse.events(body)) if streams else None


def _streamed(api: Api, pieces: Iterable[bytes]) -> Response:
    problems: list[str] = []
    dialect = DIALECTS.get(api)
    chunks = _objects(pieces, problems)
    if dialect is None:
        for _ in chunks:
            pass
        found = Response()
    else:
        found = dialect.answer(dialect.assemble(chunks))
    if not problems:
        return found
    why = f"{len(problems)} events of the stream were not understood: {problems[0]}"
    return msgspec.structs.replace(found, not_understood=why)


def _objects(pieces: Iterable[bytes], problems: list[str]) -> Iterator[dict[str, Any]]:
    """The objects that a stream carried; a broken piece at its very end is where the stream was cut."""
    broken: str | None = None
    for piece in pieces:
        if broken:
            problems.append(broken)
            broken = None
        if piece.strip() == b"[DONE]":
            continue
        value, problem = parse(piece)
        if is_object(value):
            yield value
        else:
            broken = problem or "an event is JSON, but no object"
