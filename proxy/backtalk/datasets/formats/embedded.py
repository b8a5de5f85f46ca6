"""JSON that stands in a text, as a model or an app wrote it: pure.

In: a text of anybody's. Out: its value, or `UnfitError`. The one rule: what is given back can be written as JSON again;
numbers beyond all bounds, halves of characters and nests without a bottom are refused here, not while writing.
"""

from collections.abc import Iterable
from typing import Any, Final, cast

import msgspec

from backtalk.datasets.formats.unfit import UnfitError

LEVELS: Final = 64
"""Deeper than any schema; the readers of trainers have limits of their own."""


def decoded(text: str, reason: str) -> Any:
    """The value of a JSON text; `reason` says why a sample whose text is none is left out."""
    try:
        value: object = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UnfitError(reason) from error
    if not _within(value, LEVELS):
        raise UnfitError(reason)
    return value


def _within(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        inner: Iterable[object] = cast("dict[str, object]", value).values()
    elif isinstance(value, list):
        inner = cast("list[object]", value)
    else:
        return True
    return levels > 0 and all(_within(one, levels - 1) for one in inner)
