"""A correction's value as a message: pure.

In: the value's JSON: a text, or an assistant message of the API. Out: the message, or `UnfitError` with a reason.
"""

from typing import Any, Final

import msgspec

from backtalk.datasets.formats.unfit import UnfitError
from backtalk.model.chat import Message, ToolCall

_TEXT_PARTS: Final = frozenset(("text", "output_text"))


def given_answer(value_json: str | None) -> Message:
    """What a person gave as the right answer."""
    if value_json is None:
        raise UnfitError("content_not_kept")
    try:
        given = _given.decode(value_json)
    except msgspec.MsgspecError as error:
        raise UnfitError("correction_not_understood") from error
    if isinstance(given, str):
        return _not_empty(Message(role="assistant", text=given))
    if given.role != "assistant":
        raise UnfitError("answer_not_by_assistant")
    return _not_empty(
        Message(
            role="assistant",
            text=_text(given.content),
            tool_calls=tuple(_tool_call(number, call) for number, call in enumerate(given.tool_calls or ())),
        )
    )


class _Function(msgspec.Struct, frozen=True):
    name: str
    arguments: str | dict[str, Any]


class _Call(msgspec.Struct, frozen=True):
    function: _Function
    id: str = ""


class _Part(msgspec.Struct, frozen=True):
    type: str
    text: str | None = None


class _Given(msgspec.Struct, frozen=True):
    """A message of the API as a correction may hold it."""

    role: str = "assistant"
    content: str | tuple[_Part, ...] | None = None
    tool_calls: tuple[_Call, ...] | None = None


_given: Final[msgspec.json.Decoder[str | _Given]] = msgspec.json.Decoder(str | _Given)


def _not_empty(message: Message) -> Message:
    if not message.text and not message.tool_calls:
        raise UnfitError("answer_empty")
    return message


def _tool_call(number: int, call: _Call) -> ToolCall:
    arguments = call.function.arguments
    text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
    return ToolCall(call.id or f"call_{number}", call.function.name, text)


def _text(content: str | tuple[_Part, ...] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if any(part.text is None or part.type not in _TEXT_PARTS for part in content):
        raise UnfitError("attachments")
    return "".join(part.text or "" for part in content)
