"""What the app offered and wanted: the schemas of its tools, and of the answer."""

from collections.abc import Mapping
from typing import Any, cast

from backtalk.model.json_schema import parsed


def tool_schemas(tools_json: str | None) -> Mapping[str, object]:
    """The schema of each tool's arguments, by name; empty where the tools are not understood."""
    tools = parsed(tools_json or "")
    found: dict[str, object] = {}
    for tool in cast("list[object]", tools) if isinstance(tools, list) else []:
        inner = _of(tool, "function") or tool
        name = _of(inner, "name")
        if isinstance(name, str):
            found[name] = _of(inner, "parameters") or _of(inner, "input_schema")
    return found


def answer_schema(params_json: str) -> object | None:
    """The schema that the answer was to keep; an empty one where any JSON would do; None where text was wanted."""
    params = parsed(params_json)
    wanted = _of(params, "response_format") or _of(_of(params, "text"), "format")
    match _of(wanted, "type"):
        case "json_object":
            return {"type": "object"}
        case "json_schema":
            return _of(_of(wanted, "json_schema"), "schema") or _of(wanted, "schema") or {}
        case _:
            return None


def _of(value: object, key: str) -> object:
    return cast("dict[str, Any]", value).get(key) if isinstance(value, dict) else None
