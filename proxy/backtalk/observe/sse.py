"""Server-sent events: bytes in any split go in, events come out (WHATWG HTML, section 9.2.6).

The split never shows in the events. A line or an event beyond the limit is left out and counted, so a stream without
an end of line costs bounded memory. Unlike a browser, `close` also gives the event that the last blank line is missing
of: what was sent is what the client may have read.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

LIMIT_BYTES: Final = 16 << 20
"""Largest line and largest event."""
_BOM: Final = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One event: its type (empty for the default `message`) and its data lines joined by newlines."""

    name: bytes
    data: bytes


class Parser:
    """Takes a stream's bytes piece by piece; each `feed` returns the events that became complete."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self.oversized = 0
        """Events left out because they were larger than the limit."""
        self._limit_bytes = limit_bytes
        self._line: list[bytes] = []
        self._line_bytes = 0
        self._first_line = True
        self._after_cr = False
        self._name = b""
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._spoiled = False

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the next bytes of the stream."""
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if not chunk:
            return []
        self._after_cr = chunk.endswith(b"\r")
        lines = chunk.splitlines()
        rest = b"" if chunk.endswith((b"\r", b"\n")) else lines.pop()
        found = [event for line in lines if (event := self._take_line(line))]
        self._keep(rest)
        return found

    def close(self) -> list[Event]:
        """End the stream; an event that only lacks its blank line is given too."""
        last = self._take_line(b"") if self._line_bytes else None
        end = last or self._dispatch()
        return [end] if end else []

    def _keep(self, piece: bytes) -> None:
        self._line_bytes += len(piece)
        if self._line_bytes <= self._limit_bytes:
            self._line.append(piece)

    def _take_line(self, line: bytes) -> Event | None:
        if self._line_bytes:
            self._keep(line)
            line, overlong = b"".join(self._line), self._line_bytes > self._limit_bytes
            self._line, self._line_bytes = [], 0
        else:
            overlong = len(line) > self._limit_bytes
        if self._first_line:
            self._first_line = False
            line = line.removeprefix(_BOM)
        if overlong:
            self._spoiled = True
            return None
        if not line:
            return self._dispatch()
        self._take_field(line)
        return None

    def _take_field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data":
            value = value.removeprefix(b" ")
            self._data_bytes += len(value) + 1
            if self._data_bytes <= self._limit_bytes:
                self._data.append(value)
            else:
                self._spoiled = True
        elif name == b"event":
            self._name = value.removeprefix(b" ")

    def _dispatch(self) -> Event | None:
        event = Event(self._name, b"\n".join(self._data)) if self._data and not self._spoiled else None
        self.oversized += self._spoiled
        self._start_event()
        return event

    def _start_event(self) -> None:
        self._name = b""
        self._data = []
        self._data_bytes = 0
        self._spoiled = False


def events(body: bytes) -> Iterator[Event]:
    """The events of a stream that was copied whole."""
    parser = Parser()
    yield from parser.feed(body)
    yield from parser.close()
