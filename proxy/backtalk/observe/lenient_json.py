"""JSON from anyone: bytes go in, a value or the reason why there is none comes out.

Strict where it matters (UTF-8, no NaN), lenient where real clients err: a byte order mark is skipped and a lone
surrogate, which JavaScript leaves when it cuts a text inside an emoji, becomes U+FFFD. Nothing here raises.
"""

import re
from typing import Any, Final, NamedTuple, TypeGuard

import msgspec

_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder(order="sorted").encode
_BOM: Final = b"\xef\xbb\xbf"
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


class Parsed(NamedTuple):
    """A JSON value, or None and the reason."""

    value: Any
    problem: str | None = None


def parse(body: bytes) -> Parsed:
    """Read one JSON value."""
    try:
        return Parsed(_decode(body))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        if body.startswith(_BOM):
            return parse(body[len(_BOM) :])
        if b"\\ud" in body or b"\\uD" in body:
            return _parse_strictly(_ESCAPE.sub(_mend, body))
        return Parsed(None, _why(body, error))


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


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether a JSON value is an array."""
    return isinstance(value, list)


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
        return "the body is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "the body is not UTF-8"
    return f"the body is not JSON: {error}"[:200]
