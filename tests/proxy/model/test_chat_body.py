"""Messages and tools in the chat API's form."""

from typing import Any

import pytest

from backtalk.model.chat import Message, ToolCall
from backtalk.model.chat_body import NotChatError, message_body, tool_bodies


def test_messages_are_said_again_as_they_were() -> None:
    """With tool calls, their ids, and the results that name them."""
    call = ToolCall("call_9", "weather", '{"city": "Oslo"}')
    assert message_body(Message("assistant", "", (call,))) == {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "call_9", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
        ],
    }
    assert message_body(Message("tool", "4 C", tool_call_id="call_9"))["tool_call_id"] == "call_9"
    assert message_body(Message("assistant", refusal="No."))["content"] == "No."


@pytest.mark.parametrize(
    ("message", "reason"),
    [(Message("user", attachments=("a" * 64,)), "attachments"), (Message("critic", "x"), "role_unknown")],
)
def test_what_the_api_has_no_form_for_is_refused(message: Message, reason: str) -> None:
    """With a stable word."""
    with pytest.raises(NotChatError) as refused:
        message_body(message)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}},
        {"type": "function", "name": "f", "parameters": {"type": "object"}},
        {"name": "f", "input_schema": {"type": "object"}},
    ],
)
def test_tools_of_every_dialect_take_the_same_form(tool: dict[str, Any]) -> None:
    """Chat's, the Responses API's, and Anthropic's."""
    function = {"name": "f", "parameters": {"type": "object"}}
    assert tool_bodies([tool]) == [{"type": "function", "function": function}]


@pytest.mark.parametrize("tools", [{}, [3], [{"type": "web_search"}], [{"type": "mcp", "name": "x"}]])
def test_tools_that_are_not_functions_are_refused(tools: object) -> None:
    """A provider's own tools cannot be offered elsewhere."""
    with pytest.raises(NotChatError, match="tools_not_understood"):
        tool_bodies(tools)
