"""Messages and tools in the form of the chat API: pure.

In: messages as they were understood, tools as they were offered in any dialect. Out: JSON values, or `NotChatError`.
The one rule: what cannot be said again as it was said is refused, never guessed.
"""

from typing import Any, Final, cast

from backtalk.model.chat import Message, ToolCall

_ROLES: Final = frozenset(("system", "developer", "user", "assistant", "tool"))


class NotChatError(ValueError):
    """A part that the chat API has no form for; `reason` is a stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def message_body(message: Message) -> dict[str, Any]:
    """A message as the chat API takes it."""
    if message.attachments:
        raise NotChatError("attachments")
    if message.role not in _ROLES:
        raise NotChatError("role_unknown")
    shaped: dict[str, Any] = {"role": message.role, "content": message.text or message.refusal or ""}
    if message.tool_calls:
        shaped["tool_calls"] = [_call(number, call) for number, call in enumerate(message.tool_calls)]
    if message.role == "tool":
        shaped["tool_call_id"] = message.tool_call_id or ""
    return shaped


def tool_bodies(offered: object) -> list[dict[str, Any]]:
    """The tools that were offered: the Responses API has them flat, Anthropic's Messages API with `input_schema`."""
    if not isinstance(offered, list):
        raise NotChatError("tools_not_understood")
    return [_tool(one) for one in cast("list[object]", offered)]


def _tool(offered: object) -> dict[str, Any]:
    if not isinstance(offered, dict):
        raise NotChatError("tools_not_understood")
    tool = cast("dict[str, Any]", offered)
    if isinstance(tool.get("function"), dict):
        return {"type": "function", "function": tool["function"]}
    if not isinstance(tool.get("name"), str) or tool.get("type", "function") not in ("function", "custom"):
        raise NotChatError("tools_not_understood")
    function: dict[str, Any] = {
        "name": tool["name"],
        "parameters": tool.get("parameters") or tool.get("input_schema") or {},
    }
    described = {"description": tool["description"]} if tool.get("description") else {}
    return {"type": "function", "function": function | described}


def _call(number: int, call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.id or f"call_{number}",
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments or "{}"},
    }
