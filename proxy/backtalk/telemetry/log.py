"""Log lines: one JSON object per record on stderr, never a secret, never a flood.

In: records of the standard `logging`, with `extra` for fields. Out: lines with time, level, logger, message and the
fields. A message (its template, not its text) that repeats is written a few times a minute for each logger; the next
line that passes says how many were left out.
"""

import json
import logging
import re
import sys
import threading
from datetime import UTC, datetime
from typing import Final, TextIO

from backtalk import clock

REDACTED: Final = "[redacted]"
_WINDOW_NS: Final = 60 * clock.NS_PER_S
_BURST: Final = 5
_MAX_KEYS: Final = 512
_EXCEPTION_CHARS: Final = 16_384
"""Longest traceback of a line; its end says what went wrong."""
_OWN: Final = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {"message", "asctime", "taskName"}
_SECRET_NAME: Final = re.compile(r"authorization|api[-_]?key|token|cookie|secret|passw|credential", re.IGNORECASE)
_SECRET_TEXT: Final = re.compile(
    r"(?i)\b(?:bearer|basic)\s+[\w.~+/=-]{8,}|\b(?:sk|pk|rk|xai|gsk|hf)[-_][\w-]{8,}|(?<=://)[^/@\s]*(?=@)"
)


def configure_logging(level: str = "info", *, stream: TextIO | None = None) -> None:
    """Make the root logger write JSON lines of at least `level`; replaces the handlers it had."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(Throttle())
    root = logging.getLogger()
    for earlier in tuple(root.handlers):
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(level.upper())


class JsonLines(logging.Formatter):
    """Writes a record as one JSON object; fields whose name or text looks like a secret are blotted out."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": blot(record.getMessage()),
        }
        line |= {name: _field(name, value) for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            line["exception"] = blot(self.formatException(record.exc_info))[-_EXCEPTION_CHARS:]
        return json.dumps(line, ensure_ascii=False, default=str)


class Throttle(logging.Filter):
    """Lets a logger's message pass a few times a minute; errors of different kinds never hide each other."""

    def __init__(self, *, burst: int = _BURST, window_ns: int = _WINDOW_NS) -> None:
        super().__init__()
        self._burst = burst
        self._window_ns = window_ns
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], tuple[int, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written; sets its field `suppressed` where others were not."""
        key = (record.name, str(record.msg))
        now_ns = clock.monotonic_ns()
        with self._lock:
            since_ns, count = self._seen.get(key, (now_ns, 0))
            over = now_ns - since_ns >= self._window_ns
            if over and count > self._burst:
                record.suppressed = count - self._burst
            self._seen[key] = (now_ns, 1) if over else (since_ns, count + 1)
            self._bound()
        return over or count < self._burst

    def _bound(self) -> None:
        while len(self._seen) > _MAX_KEYS:
            del self._seen[next(iter(self._seen))]


def _field(name: str, value: object) -> object:
    if _SECRET_NAME.search(name) and not isinstance(value, int | float | bool | None):
        return REDACTED
    if value is None or isinstance(value, int | float):
        return value
    return blot(value if isinstance(value, str) else str(value))


def blot(text: str) -> str:
    """The text without what looks like a key, a token or a password in a URL."""
    return _SECRET_TEXT.sub(REDACTED, text)
