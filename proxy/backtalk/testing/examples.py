"""A value for a JSON schema: what the scripted provider puts into tool calls and structured answers."""

from collections.abc import Mapping
from typing import Any

from backtalk.testing.json_values import Json, as_list, as_object


def example(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> Any:
    """A value that satisfies a JSON schema of the kinds that apps send."""
    root = schema if root is None else root
    if "$ref" in schema:
        return example(_referred(root, str(schema["$ref"])), root)
    if schema.get("enum"):
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    for union in ("anyOf", "oneOf", "allOf"):
        if schema.get(union):
            return example(schema[union][0], root)
    return _of_type(schema, root)


def _of_type(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    kind: object = next(iter(as_list(schema.get("type"))), schema.get("type", "object"))
    if kind == "object":
        return {name: example(part, root) for name, part in as_object(schema.get("properties")).items()}
    if kind == "array":
        return [example(schema.get("items") or {"type": "string"}, root)]
    plain: Json = {"string": "scripted", "integer": 7, "number": 0.5, "boolean": True, "null": None}
    return plain.get(str(kind))


def _referred(root: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    place: Any = root
    for step in reference.removeprefix("#/").split("/"):
        place = place[step]
    return dict(place)
