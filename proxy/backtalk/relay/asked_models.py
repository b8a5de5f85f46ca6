"""Every model that a request could be read as asking for: what a key that is bound to some models is held against.

In: a request's head and body. Out: names, or None where they cannot be told. The one rule: servers differ in how they
read a repeated field, so what any of them could take for the model is named, and what may be read in two ways is not.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, cast
from urllib.parse import parse_qsl

from backtalk.model.exchange import RequestHead
from backtalk.relay.request_model import asked_model

_IN_PATH: Final = re.compile(r"/(?:deployments|engines)/([^/]+)/")
_KEYS: Final = ("model", "models")
"""Of a JSON object, in any case, since some servers take any; `models` is how some routers are told of fallbacks."""
_KEY: Final = re.compile(rb'"models?"', re.IGNORECASE)
_BOUNDARY: Final = re.compile(rb'boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_BLANK: Final = re.compile(rb"\r?\n\r?\n")
_NAMED: Final = re.compile(rb"(?<![a-z])name\s*=\s*[\"']?([a-z\\]*)[\"']?\s*(?:;|\r|\n|$)", re.IGNORECASE)
_EXTENDED: Final = re.compile(rb"(?<![a-z])name\*", re.IGNORECASE)
_LONGEST_NAME: Final = 512


def asked_by_head(head: RequestHead) -> list[str]:
    """The models that path and query name: deployments, engines, and `model` of a socket's URL."""
    query = parse_qsl(head.query.decode("latin-1"), keep_blank_values=True, errors="replace")
    return _IN_PATH.findall(head.path) + [value for name, value in query if name.lower() in _KEYS]


def asked_by_body(head: RequestHead, body: bytes, *, whole: bool) -> list[str] | None:
    """The models that a body names; None where it cannot be read to its end, or in one way only."""
    types = [value for name, value in head.fields if name == b"content-type"]
    if not whole or len(types) > 1 or b"content-encoding" in head.known:
        return None
    kind = types[0] if types else b""
    if kind[:19].lower() == b"multipart/form-data":
        return _of_form(kind, body)
    if len(_KEY.findall(body)) <= 1 and b"\\u" not in body:
        name = asked_model(kind, body)
        if name is not None:
            return [name]
    return _of_json(body)


def _of_json(body: bytes) -> list[str] | None:
    """All values of the outermost object's keys, however often they are there."""
    outermost: list[tuple[str, Any]] = []

    def seen(pairs: list[tuple[str, Any]]) -> object:
        outermost[:] = pairs
        return outermost

    try:
        if json.loads(body.decode(), object_pairs_hook=seen) is not outermost:
            return None
    except (ValueError, RecursionError):
        return None
    found: list[str] = []
    for key, value in outermost:
        if key.lower() in _KEYS:
            names = cast("list[object]", value) if isinstance(value, list) else [value]
            if not all(isinstance(name, str) for name in names):
                return None
            found += cast("list[str]", names)
    return found


def _of_form(content_type: bytes, body: bytes) -> list[str] | None:
    """The values of all fields of that name, where the parts can be told apart."""
    borders = _BOUNDARY.findall(content_type)
    if len(borders) != 1:
        return None
    found: list[str] = []
    for head, value in _parts(body, b"--" + (borders[0][0] or borders[0][1])):
        if _EXTENDED.search(head):
            return None
        if any(name.replace(b"\\", b"").lower() in (b"model", b"models") for name in _NAMED.findall(head)):
            if len(value) > _LONGEST_NAME:
                return None
            found.append(value.decode("utf-8", "replace"))
    return found


def _parts(body: bytes, border: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Head and content of each part, wherever the border stands."""
    for part in body.split(border)[1:]:
        blank = _BLANK.search(part)
        if blank is not None:
            yield part[: blank.start()], part[blank.end() :].removesuffix(b"\n").removesuffix(b"\r")
