"""Pictures, sounds and files by reference: JSON goes in, the same JSON with hashes in place of bytes comes out.

Bytes are told by their place (`data`, `b64_json`, `images`, ...) and their looks (a `data:` URL, base64). What is not
recognised as bytes stays as it is. Nothing here raises.
"""

import binascii
import hashlib
import re
from collections.abc import Sequence
from typing import Any, Final, Literal

from backtalk.model.chat import Media
from backtalk.observe.lenient_json import is_array, is_object

Kind = Literal["image", "audio", "video", "file"]

_BYTES_FIELDS: Final = frozenset({"audio", "b64_json", "bytes", "data", "file_data", "images", "result"})
"""Fields in which base64 without a `data:` in front of it is bytes."""
_ADDRESSES: Final = frozenset({"url", "image_url", "video_url", "audio_url", "file_url"})
_PLAIN: Final = frozenset(
    {"text", "input_text", "output_text", "refusal", "thinking", "redacted_thinking", "reasoning", "summary_text"}
    | {"tool_use", "function_call", "custom_tool_call"}
)
_SCHEMES: Final = ("http://", "https://", "gs://", "s3://")
_NO_MEDIA: Final = frozenset({"annotations", "citations", "logprobs"})
_LEAST_CHARS: Final = 24
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_\-=\r\n]+")
_DATA_URL: Final = re.compile(r"data:(?P<type>[\w.+/-]*)(?:;[^,;]*)*;base64,", re.ASCII)
_DEEPEST: Final = 64


def without_bytes(value: Any) -> tuple[Any, tuple[Media, ...]]:
    """The value with references in place of bytes, and all media it holds, in order."""
    if is_array(value) and all(map(_is_plain, value)):
        return value, ()
    walk = _Walk()
    return walk.value(value, "", "file", None, 0), tuple(walk.found)


def _is_plain(part: object) -> bool:
    """Whether a part is of a kind that holds words only: most are, and then nothing needs to be walked."""
    if not is_object(part):
        return isinstance(part, str)
    kind, content = part.get("type"), part.get("content")
    if kind == "message" or (kind is None and "role" in part):
        return isinstance(content, str) or (is_array(content) and all(map(_is_plain, content)))
    return isinstance(kind, str) and kind in _PLAIN


def media_of(body: bytes, media_type: str, *, name: str | None = None) -> Media:
    """A body that is a picture, a sound or a file as a whole."""
    kind = media_kind(media_type.partition("/")[0], "file")
    return Media(kind, hashlib.sha256(body).hexdigest(), len(body), media_type or None, name)


class _Walk:
    """Goes through a value once; what holds bytes or names a file is noted."""

    def __init__(self) -> None:
        self.found: list[Media] = []

    def value(self, value: Any, field: str, kind: Kind, near: dict[str, Any] | None, depth: int) -> Any:
        if isinstance(value, str):
            return self._text(value, field, kind, near)
        if depth >= _DEEPEST or field in _NO_MEDIA:
            return value
        if is_object(value):
            return self._object(value, field, kind, depth)
        if is_array(value):
            return [self.value(item, field, kind, near, depth + 1) for item in value]
        return value

    def _object(self, fields: dict[str, Any], field: str, kind: Kind, depth: int) -> dict[str, Any]:
        said = fields.get("type")
        if said == "redacted_thinking":
            return fields
        kind = media_kind(field, media_kind(said if isinstance(said, str) else "", kind))
        return {key: self.value(item, key, media_kind(key, kind), fields, depth + 1) for key, item in fields.items()}

    def _text(self, text: str, field: str, kind: Kind, near: dict[str, Any] | None) -> str:
        if len(text) >= _LEAST_CHARS and (url := _DATA_URL.match(text)):
            return self._note(text[url.end() :], url["type"], kind, near)
        if field in _ADDRESSES and text.startswith(_SCHEMES) and (kind != "file" or _said(near, "type") == "url"):
            self.found.append(Media(kind, ref=text, media_type=_said_type(near)))
        elif field == "file_id" and text:
            self.found.append(Media(kind, ref=text, name=_said(near, "filename")))
        elif field in _BYTES_FIELDS and len(text) >= _LEAST_CHARS and _BASE64.fullmatch(text):
            return self._note(text, _said_type(near) or "", kind, near)
        return text

    def _note(self, encoded: str, media_type: str, kind: Kind, near: dict[str, Any] | None) -> str:
        body = _decoded(encoded)
        name = _said(near, "filename") or _said(near, "name")
        sha256 = hashlib.sha256(body).hexdigest()
        kind = media_kind(media_type.partition("/")[0], kind)
        self.found.append(Media(kind, sha256, len(body), media_type or None, name))
        return f"sha256:{sha256}"


def media_kind(word: str, otherwise: Kind) -> Kind:
    """The kind that a type or a field's name speaks of."""
    for kind in _KINDS:
        if kind in word:
            return kind
    return otherwise


_KINDS: Final[Sequence[Kind]] = ("image", "audio", "video")


def _decoded(encoded: str) -> bytes:
    """The bytes; the text's own where it is cut or damaged."""
    plain = encoded.replace("-", "+").replace("_", "/")
    try:
        return binascii.a2b_base64(plain + "=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return encoded.encode("utf-8", "surrogatepass")


def _said_type(near: dict[str, Any] | None) -> str | None:
    return _said(near, "media_type") or _said(near, "mime_type") or _of_format(near)


def _of_format(near: dict[str, Any] | None) -> str | None:
    form = _said(near, "format")
    return f"audio/{form}" if form else None


def _said(near: dict[str, Any] | None, field: str) -> str | None:
    value = None if near is None else near.get(field)
    return value[:256] if isinstance(value, str) and value else None
