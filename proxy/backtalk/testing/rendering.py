"""From a behaviour to the bytes of a response: which answer, streamed or not, in which framing and which pieces."""

import gzip
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from backtalk.testing import answers, answers_messages, answers_responses
from backtalk.testing.behaviour import Behaviour, Framing
from backtalk.testing.json_values import Json
from backtalk.testing.wire import Exchange

_JSON: Final = "application/json"
_EVENTS: Final = "text/event-stream; charset=utf-8"
_MESSAGES: Final = ("/messages", "/messages/count_tokens")


class Answer(NamedTuple):
    """A response, ready to be written; `pieces` may never end."""

    headers: tuple[tuple[str, str], ...]
    pieces: Iterable[bytes]
    framing: Framing


class _Generation(NamedTuple):
    """One way to ask for an answer: the end of its path, how its ids begin, and what it answers, whole and streamed."""

    suffix: str
    id_prefix: str
    whole: Callable[[Json, str, Behaviour], Json]
    events: Callable[[Json, str, Behaviour], Iterator[bytes]]


def _unnamed(
    chunks: Callable[[Json, str, Behaviour], Iterator[Json]],
) -> Callable[[Json, str, Behaviour], Iterator[bytes]]:
    """Events of data alone, ended by `[DONE]`."""

    def events(body: Json, id_: str, behaviour: Behaviour) -> Iterator[bytes]:
        for value in chunks(body, id_, behaviour):
            yield b"data: %b\n\n" % _dump(value)
        yield b"data: [DONE]\n\n"

    return events


def _named(
    pairs: Callable[[Json, str, Behaviour], Iterator[tuple[str, Json]]],
) -> Callable[[Json, str, Behaviour], Iterator[bytes]]:
    """Events with their type before their data."""

    def events(body: Json, id_: str, behaviour: Behaviour) -> Iterator[bytes]:
        for kind, value in pairs(body, id_, behaviour):
            yield b"event: %b\ndata: %b\n\n" % (kind.encode(), _dump(value))

    return events


_GENERATIONS: Final = (
    _Generation("/chat/completions", "chatcmpl-", answers.chat, _unnamed(answers.chat_chunks)),
    _Generation("/completions", "cmpl-", answers.completion, _unnamed(answers.completion_chunks)),
    _Generation("/responses", "resp_", answers_responses.response, _named(answers_responses.response_events)),
    _Generation("/messages", "msg_", answers_messages.message, _named(answers_messages.message_events)),
)


def render(exchange: Exchange, body: Json, behaviour: Behaviour, number: str) -> Answer:
    """Decide the whole response to one request; `number` makes its id unique. A missing model is a 404."""
    path = urlsplit(exchange.target).path
    given = tuple((name.lower(), value) for name, value in behaviour.headers)
    common = (("x-request-id", f"req_{number}"), ("openai-processing-ms", "7"), *_own(path, number), *given)
    if behaviour.raw_body is None and behaviour.status < 400 and body.get("stream") is True:
        pieces = _sliced(_events(path, body, behaviour, number), behaviour)
        framing: Framing = behaviour.framing if behaviour.framing in {"chunked", "close"} else "chunked"
        return _framed(common, _EVENTS, pieces, framing, behaviour)
    content_type, whole = _whole(path, exchange, body, behaviour, number)
    if behaviour.gzip:
        whole = gzip.compress(whole, mtime=0)
    framing = behaviour.framing or "length"
    length = (("content-length", str(len(whole))),) if framing == "length" else ()
    return _framed((*common, *length), content_type, _sliced(iter([whole]), behaviour), framing, behaviour)


def _own(path: str, number: str) -> tuple[tuple[str, str], ...]:
    """What a dialect's own clients look for in the headers."""
    return (("request-id", f"req_{number}"),) if path.endswith(_MESSAGES) else ()


def _framed(
    common: tuple[tuple[str, str], ...],
    content_type: str,
    pieces: Iterable[bytes],
    framing: Framing,
    behaviour: Behaviour,
) -> Answer:
    named = {name for name, _ in common}
    headers = common if "content-type" in named else (("content-type", content_type), *common)
    if framing == "chunked":
        headers = (*headers, ("transfer-encoding", "chunked"))
    if framing == "close":
        headers = (*headers, ("connection", "close"))
    if behaviour.gzip:
        headers = (*headers, ("content-encoding", "gzip"))
    return Answer(headers, pieces, framing)


def _whole(path: str, exchange: Exchange, body: Json, behaviour: Behaviour, number: str) -> tuple[str, bytes]:
    if behaviour.raw_body is not None:
        return _JSON, behaviour.raw_body
    if behaviour.malformed:
        return _JSON, b'{"id": "chatcmpl-1", "choices": [{"index": 0, "mess'
    if behaviour.status >= 400:
        error = answers_messages.error if path.endswith(_MESSAGES) else answers.error
        return _JSON, _dump(error(behaviour.status))
    value = _value(path, body, behaviour, number)
    if value is not None:
        return _JSON, _dump(value)
    return exchange.header("content-type") or "application/octet-stream", exchange.body


def _value(path: str, body: Json, behaviour: Behaviour, number: str) -> Json | None:
    made = next((made for made in _GENERATIONS if path.endswith(made.suffix)), None)
    if made is not None:
        return made.whole(body, made.id_prefix + number, behaviour)
    if path.endswith("/embeddings"):
        return answers.embeddings(body)
    if path.endswith("/messages/count_tokens"):
        return answers_messages.count_tokens(body)
    if path.endswith("/models"):
        return answers.models()
    return answers.model(path.rsplit("/", 1)[1]) if "/models/" in path else None


def _events(path: str, body: Json, behaviour: Behaviour, number: str) -> Iterator[bytes]:
    events = _encoded(path, body, behaviour, number)
    if behaviour.endless:
        first = list(events)
        events = itertools.chain(first[:-1], itertools.cycle(first[1:2]))
    end = behaviour.newline.encode()
    for event in _noisy(events) if behaviour.noise else events:
        yield event.replace(b"\n", end)


def _encoded(path: str, body: Json, behaviour: Behaviour, number: str) -> Iterator[bytes]:
    if behaviour.malformed:
        yield from (b"data: {not json\n\n", b"data\n\n", b": \n", b"\n\ndata: [1, 2\n\n", b"data: [DONE]\n\n")
        return
    made = next((made for made in _GENERATIONS if path.endswith(made.suffix)), _GENERATIONS[1])
    yield from made.events(body, made.id_prefix + number, behaviour)


def _noisy(events: Iterable[bytes]) -> Iterator[bytes]:
    yield b": a comment before anything\n\n"
    for count, event in enumerate(events):
        yield b": ping %d\n\nretry: 1000\nx-unknown: field\n" % count
        yield event


def _sliced(pieces: Iterator[bytes], behaviour: Behaviour) -> Iterator[bytes]:
    if behaviour.gzip and behaviour.raw_body is None:
        joined = list(pieces)
        pieces = iter(joined if joined and joined[0][:2] == b"\x1f\x8b" else [gzip.compress(b"".join(joined), mtime=0)])
    size = behaviour.write_bytes
    for piece in pieces:
        for start in range(0, len(piece), size or len(piece) or 1):
            yield piece[start : start + size] if size else piece


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
