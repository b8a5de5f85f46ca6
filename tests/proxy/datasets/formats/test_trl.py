"""Messages in TRL's shape, and its five kinds of datasets."""

import msgspec
import pytest

from backtalk.datasets.formats import trl
from backtalk.datasets.formats.trl import answer, conversation
from backtalk.datasets.formats.unfit import UnfitError
from backtalk.model.chat import Message, ToolCall
from backtalk.testing.samples import a_sample, said

CALL = ToolCall("call-1", "weather", '{"city": "Kyiv"}')
PROMPT = [{"role": "user", "content": "Why is the sky blue?"}]
GOOD, BAD = [{"role": "assistant", "content": "It scatters."}], [{"role": "assistant", "content": "Magic."}]


def test_the_five_kinds() -> None:
    """Each in the form that TRL's documents give."""
    pair = a_sample()
    assert trl.sft(a_sample("prompt_completion")) == {"prompt": PROMPT, "completion": GOOD}
    assert trl.preference(pair) == {"prompt": PROMPT, "chosen": GOOD, "rejected": BAD}
    assert trl.unpaired_preference(a_sample("unpaired_preference")) == {
        "prompt": PROMPT,
        "completion": GOOD,
        "label": True,
    }
    assert trl.reward(pair) == {"chosen": [*PROMPT, *GOOD], "rejected": [*PROMPT, *BAD], "margin": 1.5}
    assert trl.prompt_only(a_sample("prompt_only")) == {"prompt": PROMPT, "reference": None}


def test_tools_are_a_string() -> None:
    """Rows with different tools have no common type."""
    assert trl.sft(a_sample("prompt_completion", tools_json="[]"))["tools"] == "[]"


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


def test_equal_answers_are_no_preference() -> None:
    """Redaction may have made them equal."""
    with pytest.raises(UnfitError, match="nothing_changed"):
        trl.preference(msgspec.structs.replace(a_sample(), rejected=said("It scatters.")))
