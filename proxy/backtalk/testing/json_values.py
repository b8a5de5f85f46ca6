"""Narrow views of JSON of unknown shape: what is not of the wanted kind is empty."""

from collections.abc import Iterable
from typing import Any, cast

Json = dict[str, Any]


def as_object(value: object) -> Json:
    """The value if it is a JSON object, else an empty one."""
    return cast(Json, value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """The value if it is a JSON list, else an empty one."""
    return [*cast(Iterable[Any], value)] if isinstance(value, list) else []
