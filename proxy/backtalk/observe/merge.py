"""Stream deltas: the pieces of an object go in one after the other, the whole object grows.

Texts are joined, objects merged, list items with an `index` merged at their index, other items appended; anything else
is replaced. So fields that no version of Backtalk has heard of are put together as well.
"""

from typing import Any, Final

from backtalk.observe.lenient_json import is_array, is_object

_WHOLE: Final = frozenset({"id", "name", "role", "type", "index"})
"""Fields that come in one piece; some servers repeat them in every delta."""


class Growing:
    """An object under assembly; texts are kept in pieces until `value` joins them, so long streams stay cheap."""

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}

    def add(self, delta: dict[str, Any]) -> None:
        """Take the next piece."""
        fields = self._fields
        for key, piece in delta.items():
            if piece is None:
                continue
            if isinstance(piece, str):
                self._add_text(key, piece)
            elif is_object(piece):
                self._object(key).add(piece)
            elif is_array(piece):
                self._array(key).add(piece)
            else:
                fields[key] = piece

    def value(self) -> dict[str, Any]:
        """The object as far as it came."""
        return {key: _whole(piece) for key, piece in self._fields.items()}

    def _add_text(self, key: str, piece: str) -> None:
        known = self._fields.get(key)
        if isinstance(known, _Text) and key not in _WHOLE:
            known.append(piece)
        elif piece or known is None:
            self._fields[key] = _Text((piece,))

    def _object(self, key: str) -> "Growing":
        known = self._fields.get(key)
        if not isinstance(known, Growing):
            known = self._fields[key] = Growing()
        return known

    def _array(self, key: str) -> "GrowingList":
        known = self._fields.get(key)
        if not isinstance(known, GrowingList):
            known = self._fields[key] = GrowingList()
        return known


class GrowingList:
    """A list under assembly: items that carry an `index` are merged there, the others appended as they come."""

    def __init__(self) -> None:
        self._indexed: dict[int, Growing] = {}
        self._plain: list[Any] = []

    def add(self, items: list[Any]) -> None:
        """Take the next items."""
        for item in items:
            if is_object(item) and isinstance(index := item.get("index"), int):
                if index not in self._indexed:
                    self._indexed[index] = Growing()
                self._indexed[index].add({key: piece for key, piece in item.items() if key != "index"})
            else:
                self._plain.append(item)

    def value(self) -> list[Any]:
        """The items in order of their index, then those without one."""
        return [self._indexed[index].value() for index in sorted(self._indexed)] + self._plain


class _Text(list[str]):
    """A text in pieces."""


def _whole(piece: Any) -> Any:
    if isinstance(piece, _Text):
        return "".join(piece)
    return piece.value() if isinstance(piece, (Growing, GrowingList)) else piece
