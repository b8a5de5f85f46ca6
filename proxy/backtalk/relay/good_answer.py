"""Whether a body with status 200 is an answer: providers also say there that something went wrong, or stop halfway.

In: a whole response. Out: yes or no. The one rule: what should be JSON or events and cannot be read is no answer.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

_DATA: Final = re.compile(rb"^data:[ \t]*(\{.*)", re.MULTILINE)
_DONE: Final = re.compile(rb"^data:[ \t]*\[DONE\]", re.MULTILINE)
_LAST: Final = ("message_stop", "response.completed")
_FAILED: Final = ("error", "response.failed", "response.incomplete")
_UNFINISHED: Final = ("failed", "incomplete", "in_progress", "queued", "cancelled")


class _Said(msgspec.Struct):
    error: Any = None
    status: Any = None
    type: Any = None

    @property
    def is_bad(self) -> bool:
        return bool(self.error) or self.type in _FAILED or self.status in _UNFINISHED


_decoder: Final = msgspec.json.Decoder(_Said)


def is_good(known: Mapping[bytes, bytes], body: bytes) -> bool:
    """Whether a response may be given to others; of a coded body only JSON is trusted, since nobody looks into it."""
    kind = known.get(b"content-type", b"").lower()
    coded = known.get(b"content-encoding", b"identity").lower() != b"identity"
    if kind.startswith(b"text/event-stream"):
        return not coded and _is_whole(body)
    if coded or b"json" not in kind:
        return bool(body)
    said = _read(body)
    return said is not None and not said.is_bad


def _is_whole(body: bytes) -> bool:
    """Whether a stream says that it is over, and nothing in it failed."""
    last: Any = None
    for event in _DATA.finditer(body):
        said = _read(event[1])
        if said is None or said.is_bad:
            return False
        last = said.type
    return last in _LAST or _DONE.search(body) is not None


def _read(body: bytes) -> _Said | None:
    try:
        return _decoder.decode(body)
    except (ValueError, RecursionError):
        return None
