"""Bedrock's forms."""

import pytest

from backtalk.datasets.formats import bedrock
from backtalk.datasets.formats.unfit import UnfitError
from backtalk.plugin import Message, ToolCall
from backtalk.testing.samples import ASKED, a_sample, said

SYSTEM = Message("system", "Be brief.")


def test_instructions_stand_apart_and_turns_alternate() -> None:
    """Two questions in a row are one turn."""
    sample = a_sample("prompt_completion", prompt=(SYSTEM, Message("user", "Hello."), ASKED))
    asked = "Hello.\n\nWhy is the sky blue?"
    assert bedrock.claude(sample) == {
        "system": "Be brief.",
        "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": "It scatters."}],
    }
    assert bedrock.nova(sample) == {
        "schemaVersion": "bedrock-conversation-2024",
        "system": [{"text": "Be brief."}],
        "messages": [
            {"role": "user", "content": [{"text": asked}]},
            {"role": "assistant", "content": [{"text": "It scatters."}]},
        ],
    }


def test_nova_prefers_one_of_two_candidates() -> None:
    """The last turn holds both."""
    last = bedrock.nova_preference(a_sample())["messages"][-1]
    assert [(one["content"][0]["text"], one["preferenceLabel"]) for one in last["candidates"]] == [
        ("It scatters.", "preferred"),
        ("Magic.", "non-preferred"),
    ]


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ((ASKED, said("So."), Message("tool", "12 C"), ASKED), "tools_not_taken"),
        ((ASKED, Message("assistant", tool_calls=(ToolCall("c", "f", "{}"),)), ASKED), "tools_not_taken"),
        ((said("Hello"), ASKED), "turns_do_not_alternate"),
        ((SYSTEM,), "turns_do_not_alternate"),
        ((ASKED, said("")), "answer_empty"),
    ],
)
def test_what_bedrock_does_not_take_is_unfit(prompt: tuple[Message, ...], reason: str) -> None:
    """Tools, and conversations that do not begin and end with the user."""
    with pytest.raises(UnfitError, match=reason):
        bedrock.claude(a_sample("prompt_completion", prompt=prompt))
