"""Messages of the chat API for fine-tuning."""

import pytest

from backtalk.datasets.formats import chat
from backtalk.datasets.formats.unfit import UnfitError
from backtalk.plugin import Message, ToolCall
from backtalk.testing.samples import ASKED, a_sample

PROMPT = [{"role": "user", "content": "Why is the sky blue?"}]
GOOD, BAD = {"role": "assistant", "content": "It scatters."}, {"role": "assistant", "content": "Magic."}


def test_lines_hold_what_the_services_name_and_nothing_else() -> None:
    """Their validators refuse other fields."""
    assert chat.sft(a_sample("prompt_completion")) == {"messages": [*PROMPT, GOOD]}
    assert chat.preference(a_sample()) == {
        "input": {"messages": PROMPT},
        "preferred_output": [GOOD],
        "non_preferred_output": [BAD],
    }
    assert chat.evals(a_sample("eval_case")) == {
        "item": {"input": PROMPT, "reference": "It scatters.", "tag": "failed"},
        "sample": {"output_text": "Magic."},
    }


def test_tool_calls_keep_their_texts_and_ids() -> None:
    """As the API has them."""
    asked = (
        ASKED,
        Message("assistant", tool_calls=(ToolCall("", "f", "{}"),)),
        Message("tool", "12 C", tool_call_id="c"),
    )
    shaped = chat.messages(asked)
    assert shaped[1]["tool_calls"] == [
        {"id": "call_0", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    ]
    assert shaped[2] == {"role": "tool", "content": "12 C", "tool_call_id": "c"}


@pytest.mark.parametrize(
    "tools",
    [
        '[{"type":"function","function":{"name":"f","parameters":{}}}]',
        '[{"type":"function","name":"f","parameters":{}}]',
        '[{"name":"f","input_schema":{}}]',
    ],
)
def test_tools_of_every_dialect_become_those_of_chat(tools: str) -> None:
    """Chat, Responses and Messages name them differently."""
    assert chat.tools(a_sample(tools_json=tools)) == {
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    }


@pytest.mark.parametrize("tools", ["{}", "[1]", '[{"type":"web_search"}]'])
def test_tools_that_are_no_functions_are_unfit(tools: str) -> None:
    """A service would refuse the line."""
    with pytest.raises(UnfitError, match="tools_not_understood"):
        chat.tools(a_sample(tools_json=tools))


def test_reference_of_tool_calls_is_json() -> None:
    """Where the right answer has no text."""
    called = Message("assistant", tool_calls=(ToolCall("c", "f", "{}"),))
    assert chat.reference(a_sample("eval_case", reference=called)) == '[{"name": "f", "arguments": "{}"}]'
    with pytest.raises(UnfitError, match="no_reference"):
        chat.reference(a_sample("eval_case", reference=None))


def test_services_of_open_models_know_no_developer() -> None:
    """What Together's own check of a file refuses: another role, and a comparison that follows an answer."""
    prompt = (Message("developer", "Be brief."), ASKED)
    for line in (
        chat.open_sft(a_sample("prompt_completion", prompt=prompt)),
        chat.open_preference(a_sample(prompt=prompt))["input"],
    ):
        assert [message["role"] for message in line["messages"]][:2] == ["system", "user"]
    assert chat.sft(a_sample("prompt_completion", prompt=prompt))["messages"][0]["role"] == "developer"
    with pytest.raises(UnfitError, match="last_turn_by_assistant"):
        chat.open_preference(a_sample(prompt=(ASKED, Message("assistant", "It"))))


@pytest.mark.parametrize("tools_json", ["[" * 5_000, '[{"name": "f", "parameters": {"a": 1e999}}]', '"f"', "{"])
def test_tools_that_nobody_could_write_again_are_left_out(tools_json: str) -> None:
    """They do not end the build."""
    with pytest.raises(UnfitError, match="tools_not_understood"):
        chat.sft(a_sample("prompt_completion", tools_json=tools_json))
