"""Puts placeholders into texts, and into the texts inside JSON.

In: a tenant's text. Out: the same text with `[EMAIL_kqzjfbgm]` in place of an address. The one rule: the same text of a
tenant always becomes the same text, whichever process and whenever, so that what was sent again is still known; where
a finder fails nothing passes, the text is withheld.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, cast

import msgspec

from backtalk.model.ids import keyed_hash
from backtalk.model.meter import Meter
from backtalk.plugin.protocols import Finder, Found

_log: Final = logging.getLogger(__name__)
WITHHELD: Final = "[WITHHELD]"
"""In place of a text that could not be looked through."""
_LOOKS: Final = 3
"""A value that ran into another is seen once that one is gone."""
_LETTERS: Final = str.maketrans("0123456789", "ghijklmnop")
"""A pseudonym has no digits, so that no pattern takes it for a number."""
_encode: Final = msgspec.json.Encoder(order="sorted").encode


class Texts:
    """Redacts for one worker; used by one thread."""

    def __init__(self, finders: Sequence[Finder], secret: bytes, metrics: Meter, *, pseudonyms: bool = True) -> None:
        self._finders = finders
        self._secret = secret
        self._metrics = metrics
        self._pseudonyms = pseudonyms

    def text(self, tenant: str, text: str) -> str:
        """A text without what was found in it."""
        text = _readable(text)
        for _ in range(_LOOKS if text else 0):
            found = self._find(text)
            if found is None:
                return WITHHELD
            if not found:
                break
            text = self._replaced(tenant, text, found)
        return text

    def json(self, tenant: str, text: str) -> str:
        """A JSON text with every text, name and number in it looked through; what is no JSON is a text."""
        if "\\" not in text and self._find(_readable(text)) == []:
            return text
        try:
            value = msgspec.json.decode(text)
            clean = self._value(tenant, value)
            return text if clean == value else _encode(clean).decode()
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return self.text(tenant, text)

    def _find(self, text: str) -> list[Found] | None:
        """What the finders find; None where one failed: what it has not seen must not pass."""
        try:
            return [one for finder in self._finders for one in finder.find(text)]
        except Exception as error:  # noqa: BLE001 -- a plugin may raise anything, the text itself among it
            _log.error("a finder failed; the text is withheld", extra={"error": type(error).__name__})
            self._metrics.add("backtalk.redaction.failed")
            return None

    def _value(self, tenant: str, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(tenant, value)
        if isinstance(value, list):
            return [self._value(tenant, item) for item in value]  # pyright: ignore[reportUnknownVariableType] -- JSON
        if isinstance(value, dict):
            items = cast("dict[str, Any]", value).items()
            return {self.text(tenant, name): self._value(tenant, item) for name, item in items}
        if isinstance(value, int | float) and not isinstance(value, bool):
            written = str(value)
            clean = self.text(tenant, written)
            return value if clean == written else clean
        return value

    def _replaced(self, tenant: str, text: str, found: Sequence[Found]) -> str:
        pieces, at, counts = list[str](), 0, Counter[str]()
        for place in _apart(found, len(text)):
            counts[place.kind] += 1
            value = text[place.start : place.end]
            pieces += text[at : place.start], self._placeholder(tenant, place.kind, place.same or value)
            at = place.end
        for kind, count in counts.items():
            self._metrics.add("backtalk.redaction.replaced", count, kind=kind)
        return "".join([*pieces, text[at:]])

    def _placeholder(self, tenant: str, kind: str, value: str) -> str:
        name = kind.upper()
        if not self._pseudonyms:
            return f"[{name}]"
        words = (b"redacted", tenant.encode(), name.encode(), value.encode())
        return f"[{name}_{keyed_hash(self._secret, *words, size_bytes=4).translate(_LETTERS)}]"


class _Place(NamedTuple):
    start: int
    rank: int
    end: int
    kind: str
    same: str


def _apart(found: Sequence[Found], length: int) -> list[_Place]:
    """In order, each behind the last: those that meet become one of the first one's kind, so that no rest is left."""
    places = [
        _Place(max(0, one.start), rank, min(one.end, length), one.kind, one.same) for rank, one in enumerate(found)
    ]
    apart: list[_Place] = []
    for place in sorted(place for place in places if place.start < place.end):
        last = apart[-1] if apart else None
        if last is None or place.start >= last.end:
            apart.append(place)
            continue
        first = min(last, place, key=lambda one: one.rank)
        whole = (first.start, first.end) == (last.start, max(last.end, place.end))
        same = first.same if whole else ""
        apart[-1] = first._replace(start=last.start, end=max(last.end, place.end), same=same)
    return apart


def _readable(text: str) -> str:
    """The text without halves of surrogate pairs, which no finder could read."""
    return text if text.isascii() else text.encode(errors="replace").decode()
