"""Messages in the shape that TRL's conversational datasets have: pure.

In: messages as they were understood. Out: plain mappings, or `UnfitError` with a reason. TRL differs from the API: the
arguments of a tool call are an object, a call has no id, and a tool's message carries the tool's name.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from backtalk.model.chat import Message, ToolCall

_ROLES: Final = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
_TEXT_PARTS: Final = frozenset(("text", "output_text"))


class UnfitError(Exception):
    """This fact makes no row; `reason` is a stable word for the manifest."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def conversation(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """A prompt: the messages in order, tools named by the calls that they answer."""
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    return [_message(message, names) for message in messages]


def answer(message: Message) -> dict[str, Any]:
    """An assistant's message that is to be preferred or rejected; an empty one is unfit."""
    shaped = _message(message, {})
    if shaped["role"] != "assistant":
        raise UnfitError("answer_not_by_assistant")
    if not shaped["content"] and not message.tool_calls:
        raise UnfitError("answer_empty")
    return shaped


def given_answer(value_json: str) -> Message:
    """What a person gave as the right answer: a text, or a message of the API."""
    try:
        given = _given.decode(value_json)
    except msgspec.MsgspecError as error:
        raise UnfitError("correction_not_understood") from error
    if isinstance(given, str):
        return Message(role="assistant", text=given)
    return Message(
        role=given.role,
        text=_text(given.content),
        tool_calls=tuple(_tool_call(call.function) for call in given.tool_calls or ()),
    )


def tools(tools_json: str | None) -> dict[str, str]:
    """The row's `tools` column: JSON in a string, since rows with different tools have no common type."""
    return {} if tools_json is None else {"tools": tools_json}


def _message(message: Message, names: Mapping[str, str]) -> dict[str, Any]:
    if message.attachments:
        raise UnfitError("attachments")
    if message.role not in _ROLES:
        raise UnfitError("role_unknown")
    shaped: dict[str, Any] = {"role": _ROLES[message.role], "content": message.text or message.refusal or ""}
    if message.tool_calls:
        shaped["tool_calls"] = [_call(call) for call in message.tool_calls]
    if message.role == "tool":
        shaped["name"] = names.get(message.tool_call_id or "", "")
    return shaped


def _call(call: ToolCall) -> dict[str, Any]:
    try:
        arguments = _object.decode(call.arguments or "{}")
    except msgspec.MsgspecError as error:
        raise UnfitError("tool_arguments_not_json") from error
    return {"type": "function", "function": {"name": call.name, "arguments": arguments}}


class _Function(msgspec.Struct, frozen=True):
    name: str
    arguments: str | dict[str, Any]


class _Call(msgspec.Struct, frozen=True):
    function: _Function


class _Part(msgspec.Struct, frozen=True):
    type: str
    text: str | None = None


class _Given(msgspec.Struct, frozen=True):
    """A message of the API as a correction may hold it."""

    role: str = "assistant"
    content: str | tuple[_Part, ...] | None = None
    tool_calls: tuple[_Call, ...] | None = None


_given: Final[msgspec.json.Decoder[str | _Given]] = msgspec.json.Decoder(str | _Given)
_object: Final[msgspec.json.Decoder[dict[str, Any]]] = msgspec.json.Decoder(dict[str, Any])


def _tool_call(function: _Function) -> ToolCall:
    arguments = function.arguments
    text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
    return ToolCall("", function.name, text)


def _text(content: str | tuple[_Part, ...] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if any(part.text is None or part.type not in _TEXT_PARTS for part in content):
        raise UnfitError("attachments")
    return "".join(part.text or "" for part in content)
