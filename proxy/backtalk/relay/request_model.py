"""Which model a request asks for, read from its bytes, and the same bytes with another name.

In: a body and its content type. Out: a name, or a body in which that one value is replaced. The one rule: every other
byte stays as it is. Where a JSON object repeats the key, the last one counts, as in most parsers, and all are replaced.
"""

import json
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]', re.DOTALL)
_BOUNDARY: Final = re.compile(rb'boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_PART_NAME: Final = re.compile(rb'(?i:content-disposition:)[^\r\n]*[;\s]name="?model"?\s*(?:;|\r\n|$)', re.IGNORECASE)
_KEY: Final = b'"model"'
_VALUE: Final = re.compile(rb'\s*:\s*("[^"\\]*(?:\\.[^"\\]*)*")', re.DOTALL)
_LONGEST_NAME: Final = 512
_FORM: Final = b"multipart/form-data"


class _Named(msgspec.Struct):
    model: object = None


class _Span(NamedTuple):
    begin: int
    end: int


_decoder: Final = msgspec.json.Decoder(_Named)


def asked_model(content_type: bytes, body: bytes, *, whole: bool = True) -> str | None:
    """The model that a request names; None where it names none, or cannot be read. Of a part, its first name counts."""
    if _is_form(content_type):
        span = _form_value(content_type, body)
        return None if span is None else body[span.begin : span.end].decode("utf-8", "replace") or None
    try:
        name = _decoder.decode(body).model if whole else _first(body)
    except (ValueError, RecursionError):
        return None
    return name if isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME else None


def with_model(content_type: bytes, body: bytes, name: str) -> bytes:
    """The body with another name in place of the one that `asked_model` found there."""
    if _is_form(content_type):
        span = _form_value(content_type, body)
        return body if span is None else b"".join((body[: span.begin], name.encode(), body[span.end :]))
    new, pieces, place = json.dumps(name, ensure_ascii=False).encode(), list[bytes](), 0
    for span in _only_value(body) or _json_values(body):
        pieces += (body[place : span.begin], new)
        place = span.end
    return b"".join((*pieces, body[place:]))


def _first(part: bytes) -> object:
    span = next(_json_values(part), None)
    return None if span is None else json.loads(part[span.begin : span.end])


def _is_form(content_type: bytes) -> bool:
    return content_type[: len(_FORM)].lower() == _FORM


def _only_value(body: bytes) -> tuple[_Span, ...]:
    """The model's place where the word stands once and no key can be written otherwise: the usual case, found quickly.

    A body that is known to name its model has the key; where `"model"` stands once, and no escape could spell it in
    another way, that is where.
    """
    place = body.find(_KEY)
    if place < 0 or body.find(_KEY, place + 1) >= 0 or b"\\u" in body:
        return ()
    value = _VALUE.match(body, place + len(_KEY))
    return () if value is None else (_Span(*value.span(1)),)


def _json_values(body: bytes) -> Iterator[_Span]:
    """The strings that stand behind the key `model` of the outermost object, of a body that is known to be JSON."""
    depth, key, is_key, found = 0, b"", False, False
    for token in _TOKEN.finditer(body):
        kind = token[0][:1]
        if kind in b"{[":
            depth += 1
            is_key, found = depth == 1, False
        elif kind in b"}]":
            depth -= 1
        elif depth == 1:
            if kind == b",":
                is_key, found = True, False
            elif kind == b":":
                is_key, found = False, _is_model(key)
            elif is_key:
                key = token[0]
            elif found:
                yield _Span(*token.span())


def _is_model(key: bytes) -> bool:
    return key == b'"model"' or (b"\\" in key and json.loads(key) == "model")


def _form_value(content_type: bytes, body: bytes) -> _Span | None:
    """Where the value of the form's field `model` stands."""
    named = _BOUNDARY.search(content_type)
    if named is None:
        return None
    border = b"--" + (named[1] or named[2])
    part = body.find(border)
    while part >= 0:
        head = part + len(border)
        if body[head : head + 2] == b"--":
            return None
        blank = body.find(b"\r\n\r\n", head)
        part = body.find(b"\r\n" + border, head)
        if blank < 0 or part < 0:
            return None
        if blank < part and blank - head < 4096 and _PART_NAME.search(body, head, blank + 2):
            return _Span(blank + 4, part) if part - blank - 4 <= _LONGEST_NAME else None
        part += 2
    return None
