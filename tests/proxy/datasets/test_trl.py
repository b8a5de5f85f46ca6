"""Messages in TRL's shape."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.datasets.trl import UnfitError, answer, conversation, given_answer
from backtalk.model.chat import Message, ToolCall

CALL = ToolCall("call-1", "weather", '{"city": "Kyiv"}')


def test_tool_calls_carry_objects_and_tools_their_names() -> None:
    """Arguments are an object, the call has no id, and the answer of a tool is named by the tool."""
    asked = (Message("assistant", tool_calls=(CALL,)), Message("tool", "12 C", tool_call_id="call-1"))

    shaped = conversation(asked)

    function = {"name": "weather", "arguments": {"city": "Kyiv"}}
    assert shaped[0] == {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"type": "function", "function": function}],
    }
    assert shaped[1] == {"role": "tool", "content": "12 C", "name": "weather"}


def test_developer_is_the_system_of_chat_templates() -> None:
    """Templates know no developer role."""
    assert conversation([Message("developer", "Be brief.")]) == [{"role": "system", "content": "Be brief."}]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Message("user", "look", attachments=("ab",)), "attachments"),
        (Message("function", "x"), "role_unknown"),
        (Message("assistant", tool_calls=(ToolCall("1", "f", "{oops"),)), "tool_arguments_not_json"),
        (Message("assistant", tool_calls=(ToolCall("1", "f", "[1]"),)), "tool_arguments_not_json"),
    ],
)
def test_what_a_text_model_cannot_learn_from_is_unfit(message: Message, reason: str) -> None:
    """Pictures, unknown roles and broken arguments make no row."""
    with pytest.raises(UnfitError) as caught:
        conversation([message])
    assert caught.value.reason == reason


def test_empty_answer_is_unfit_unless_it_calls_tools() -> None:
    """Nothing is no answer; a tool call is one."""
    with pytest.raises(UnfitError):
        answer(Message("assistant"))
    assert answer(Message("assistant", tool_calls=(CALL,)))["tool_calls"]


def test_correction_may_be_a_text_or_a_message() -> None:
    """Both forms of the interface are understood, text parts too."""
    message = (
        '{"role": "assistant", "content": [{"type": "text", "text": "It "}, {"type": "text", "text": "scatters."}]}'
    )
    assert given_answer('"It scatters."') == given_answer(message) == Message("assistant", "It scatters.")


def test_correction_with_tool_calls_keeps_them() -> None:
    """The API's form has the arguments as text."""
    value = '{"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{\\"a\\": 1}"}}]}'
    assert given_answer(value).tool_calls[0].arguments == '{"a": 1}'


@given(st.text())
def test_any_text_is_understood_or_unfit(text: str) -> None:
    """Whatever stands in a correction, nothing else is raised."""
    try:
        given_answer(text)
    except UnfitError as error:
        assert error.reason  # noqa: PT017 -- most texts raise, some do not
