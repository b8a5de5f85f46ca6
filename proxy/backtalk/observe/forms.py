"""Multipart forms: the bytes of a form go in, its small fields come out, files by reference.

Bounded in parts and in the length of a field; what is beyond is left out and said. A form that was cut gives what came
of it, and of the file in which it was cut only the name. Nothing here raises.
"""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from backtalk.model.chat import Media
from backtalk.observe.media import media_kind

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELD_BYTES: Final = 256 * 1024
"""Longest value of a field that is kept."""
PARTS: Final = 256
"""Most parts of one form that are read."""
_NAME_CHARS: Final = 256


class Form(NamedTuple):
    """What a form said. A field that is there several times is a list; `problem` says what is missing."""

    fields: dict[str, Any]
    files: tuple[Media, ...] = ()
    problem: str | None = None


def is_form(headers: Mapping[str, str]) -> bool:
    """Whether a body is a form with parts."""
    return headers.get("content-type", "").lower().startswith("multipart/form-data")


def form_of(body: bytes, content_type: str) -> Form:
    """Read a form."""
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        return Form({}, problem="the form names no boundary")
    reading = _Reading()
    try:
        MultipartParser(boundary, reading.callbacks()).write(body)
    except FormParserError:
        reading.problem = reading.problem or "the form is damaged"
    return reading.finish()


class _Reading:
    """Takes the parser's callbacks, part by part."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self._fields: dict[str, list[str]] = {}
        self._files: list[Media] = []
        self._parts = 0
        self._whole = False
        self._begin()

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finished,
        }

    def finish(self) -> Form:
        if not self._whole and self.problem is None:
            self.problem = "the form ends early"
            self._cut_file()
        fields = {name: values[0] if len(values) == 1 else values for name, values in self._fields.items()}
        return Form(fields, tuple(self._files), self.problem)

    def _begin(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._name, self._value = b"", b""
        self._pieces: list[bytes] = []
        self._size_bytes = 0
        self._digest = hashlib.sha256()
        self._open = True
        self._parts += 1
        if self._parts > PARTS + 1:  # the first `_begin` is our own
            self.problem = f"the form has more than {PARTS} parts"
            raise FormParserError(self.problem)

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        self._digest.update(piece)
        self._size_bytes += len(piece)
        if self._size_bytes <= FIELD_BYTES:
            self._pieces.append(piece)

    def _end(self) -> None:
        self._open = False
        name, filename = self._names()
        if filename is not None or self._media_type().partition("/")[0] in ("image", "audio", "video"):
            self._files.append(self._file(filename, self._digest.hexdigest(), self._size_bytes))
        elif self._size_bytes > FIELD_BYTES:
            self.problem = f"the field {name[:40]} is longer than {FIELD_BYTES} bytes"
        else:
            self._fields.setdefault(name, []).append(b"".join(self._pieces).decode("utf-8", "replace"))

    def _finished(self) -> None:
        self._whole = True

    def _cut_file(self) -> None:
        """The file in which the form was cut: its hash and size are not known."""
        _, filename = self._names()
        if self._open and filename is not None:
            self._files.append(self._file(filename, None, None))

    def _file(self, filename: str | None, sha256: str | None, size_bytes: int | None) -> Media:
        media_type = self._media_type()
        kind = media_kind(media_type.partition("/")[0], "file")
        return Media(kind, sha256, size_bytes, media_type or None, filename or None)

    def _media_type(self) -> str:
        return self._headers.get(b"content-type", b"").decode("latin-1")[:_NAME_CHARS]

    def _names(self) -> tuple[str, str | None]:
        """The part's field name, and the file's name where it is a file."""
        _, options = parse_options_header(self._headers.get(b"content-disposition", b"").decode("latin-1"))
        filename = options.get(b"filename")
        return _readable(options.get(b"name", b"")), None if filename is None else _readable(filename)


def _readable(name: bytes) -> str:
    return name.decode("utf-8", "replace")[:_NAME_CHARS]
