"""The part of JSON Schema that tool definitions use: types, required keys, enumerations, closed objects, items.

In: a value and a schema. Out: what it breaks, in a few words without the value, or None. What is not known here breaks
nothing: a claim needs to be right more than it needs to be made.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

NOT_JSON: Final = object()
"""What `parsed` gives for a text that is none."""
_DEEPEST: Final = 12
_ITEMS: Final = 100
_TYPES: Final[Mapping[str, type]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
}


def parsed(text: str) -> object:
    """The JSON value of a text, or `NOT_JSON`."""
    try:
        return cast("object", json.loads(text))
    except (ValueError, RecursionError):
        return NOT_JSON


def breach(value: object, schema: object) -> str | None:
    """The first thing in a value that a schema forbids."""
    return next(_breaches(value, schema, "", 0), None)


def _breaches(value: object, schema: object, path: str, depth: int) -> Iterator[str]:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return
    known = cast("dict[str, Any]", schema)
    wanted = known.get("type")
    if wanted is not None and not _is_of(value, wanted):
        yield f"{path or 'value'} is not of type {wanted}"
        return
    listed = known.get("enum")
    if isinstance(listed, list) and value not in listed:
        yield f"{path or 'value'} is none of the listed values"
    if isinstance(value, dict):
        yield from _of_object(cast("dict[str, object]", value), known, path, depth)
    elif isinstance(value, list):
        for item in cast("list[object]", value)[:_ITEMS]:
            yield from _breaches(item, known.get("items"), f"{path}[]", depth + 1)


def _of_object(value: Mapping[str, object], schema: Mapping[str, object], path: str, depth: int) -> Iterator[str]:
    known = _mapping(schema.get("properties"))
    for name in _names(schema.get("required")):
        if name not in value:
            yield f"{path}.{name} is missing"
    if schema.get("additionalProperties") is False:
        yield from (f"{path} has a key that is not listed" for name in value if name not in known)
    for name, item in value.items():
        if name in known:
            yield from _breaches(item, known[name], f"{path}.{name}", depth + 1)


def _is_of(value: object, wanted: object) -> bool:
    if isinstance(wanted, list):
        return any(_is_of(value, each) for each in cast("list[object]", wanted))
    if not isinstance(wanted, str):
        return True
    if wanted in {"integer", "number"}:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and (wanted == "number" or isinstance(value, int) or cast("float", value).is_integer())
    known = _TYPES.get(wanted)
    return known is None or isinstance(value, known)


def _mapping(value: object) -> Mapping[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _names(value: object) -> Sequence[str]:
    listed = cast("list[object]", value) if isinstance(value, list) else []
    return [name for name in listed if isinstance(name, str)]
