"""What an app offered and wanted, out of its own JSON."""

import json

from backtalk.model.offered import answer_schema, tool_schemas

_SCHEMA = {"type": "object"}


def test_tools_of_every_dialect_are_found_by_name() -> None:
    """OpenAI's, the Responses API's and Anthropic's shapes; what is no tool is left out."""
    tools = [
        {"type": "function", "function": {"name": "a", "parameters": _SCHEMA}},
        {"type": "function", "name": "b", "parameters": _SCHEMA},
        {"name": "c", "input_schema": _SCHEMA},
        "none",
    ]
    assert tool_schemas(json.dumps(tools)) == {"a": _SCHEMA, "b": _SCHEMA, "c": _SCHEMA}
    assert tool_schemas(None) == tool_schemas("no JSON") == {}


def test_the_form_of_an_answer_is_found_where_one_was_wanted() -> None:
    """A schema, any object, or no form at all."""
    wanted = {"type": "json_schema", "json_schema": {"schema": _SCHEMA}}
    assert answer_schema(json.dumps({"response_format": wanted})) == _SCHEMA
    assert answer_schema(json.dumps({"text": {"format": {"type": "json_schema", "schema": _SCHEMA}}})) == _SCHEMA
    assert answer_schema(json.dumps({"response_format": {"type": "json_object"}})) == {"type": "object"}
    assert answer_schema("{}") is None
