"""JSON from anyone: bytes go in, a value or the reason why there is none comes out.

Strict where it matters (UTF-8, no NaN), lenient where real clients err: a byte order mark is skipped and a lone
surrogate, which JavaScript leaves when it cuts a text inside an emoji, becomes U+FFFD. Nothing here raises.
"""

import re
from itertools import chain
from typing import Any, Final, NamedTuple, TypeGuard

import msgspec

_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder(order="sorted").encode
_BOM: Final = b"\xef\xbb\xbf"
MAX_DEPTH: Final = 128
"""Deepest value; whoever reads it later, with less stack left, must still be able to."""
MAX_CONTAINERS: Final = 300_000
"""Most brackets in a body: in memory each may cost thirty times what it costs as text."""
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


_TOO_DEEP: Final = "the body is nested too deeply"


class Parsed(NamedTuple):
    """A JSON value, or None and the reason."""

    value: Any
    problem: str | None = None


def parse(body: bytes) -> Parsed:
    """Read one JSON value."""
    body = body.removeprefix(_BOM)
    brackets = body.count(b"[") + body.count(b"{")
    if brackets > MAX_CONTAINERS:
        return Parsed(None, f"the body holds more than {MAX_CONTAINERS} objects and arrays")
    found = _parsed(body)
    if brackets > MAX_DEPTH and _is_deep(found.value):
        return Parsed(None, _TOO_DEEP)
    return found


def parse_object(body: bytes) -> Parsed:
    """Read one JSON object; any other value is a reason."""
    found = parse(body)
    if found.problem is None and not is_object(found.value):
        return Parsed(None, "the body is JSON, but no object")
    return found


def canonical(value: object) -> str:
    """One text for one JSON value: sorted keys, no spaces."""
    return _encode(value).decode()


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a JSON value is an object."""
    return isinstance(value, dict)


def is_container(value: object) -> TypeGuard[dict[str, Any] | list[Any]]:
    """Whether a JSON value holds others."""
    return isinstance(value, dict | list)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether a JSON value is an array."""
    return isinstance(value, list)


def _parsed(body: bytes) -> Parsed:
    try:
        return Parsed(_decode(body))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        if b"\\ud" in body or b"\\uD" in body:
            return _parse_strictly(_ESCAPE.sub(_mend, body))
        return Parsed(None, _why(body, error))


def _is_deep(value: object) -> bool:
    """Whether a value is nested beyond the limit; goes level by level, so that depth costs no stack."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        inner = chain.from_iterable(one.values() if is_object(one) else one for one in level if is_container(one))
        level = [one for one in inner if is_container(one)]
        if not level:
            return False
    return True


def _parse_strictly(body: bytes) -> Parsed:
    try:
        return Parsed(_decode(body))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return Parsed(None, _why(body, error))


def _mend(match: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if match["lone"] else match[0]


def _why(body: bytes, error: Exception) -> str:
    if not body.strip():
        return "the body is empty"
    if isinstance(error, RecursionError):
        return _TOO_DEEP
    if isinstance(error, UnicodeDecodeError):
        return "the body is not UTF-8"
    return f"the body is not JSON: {error}"[:200]
