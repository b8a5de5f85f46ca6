"""The value of a correction: what the answer should have been, as a text or as an assistant message.

In: a JSON value. Out: the same value, checked. A message may carry fields that are unknown here, since apps send back
what their client library gave them; what datasets rest on (role, content, tool calls) must have its form.
"""

from collections.abc import Mapping
from typing import Any, NoReturn, cast

from backtalk.errors import RequestError
from backtalk.feedback.strict_json import kind_of, shown


def correction(value: str | dict[str, Any]) -> str | dict[str, Any]:
    """Check a correction; raises `RequestError` that says which part of it is wrong."""
    if isinstance(value, str):
        if not value.strip():
            _wrong("value", "an empty text corrects nothing; send what the answer should have been")
        return value
    if value.get("role") != "assistant":
        _wrong("value.role", f"the message of a correction has the role assistant, not {shown(str(value.get('role')))}")
    said = _content(value.get("content"))
    called = _tool_calls(value.get("tool_calls"))
    if not said and not called:
        _wrong("value", "the message says nothing: give content, tool_calls or both")
    return value


def _content(content: object) -> bool:
    """Whether the content says something."""
    if content is None or isinstance(content, str):
        return bool(content and content.strip())
    if not isinstance(content, list):
        _wrong("value.content", f"content must be a text, a list of parts or null, not {kind_of(content)}")
    parts = cast("list[object]", content)
    for number, part in enumerate(parts):
        if not isinstance(_object(part).get("type"), str):
            _wrong(f"value.content.{number}", "a part of the content is an object with a type")
    return len(parts) > 0


def _tool_calls(calls: object) -> bool:
    """Whether tools are called."""
    if calls is None:
        return False
    if not isinstance(calls, list):
        _wrong("value.tool_calls", f"tool_calls must be a list, not {kind_of(calls)}")
    listed = cast("list[object]", calls)
    for number, call in enumerate(listed):
        function = _object(_object(call).get("function"))
        if not isinstance(function.get("name"), str) or not isinstance(function.get("arguments"), str):
            message = 'a tool call has the form {"function": {"name": text, "arguments": JSON as text}}'
            _wrong(f"value.tool_calls.{number}", message)
    return len(listed) > 0


def _object(value: object) -> Mapping[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _wrong(param: str, message: str) -> NoReturn:
    raise RequestError(message, code="invalid_field", param=param)
