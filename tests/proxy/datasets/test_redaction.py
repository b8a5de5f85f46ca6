"""Redaction reaches every text of a sample."""

import json
from typing import ClassVar

from backtalk.datasets.redaction import REMEMBERED, Redaction, redacted
from backtalk.plugin import Message, ToolCall
from backtalk.testing.samples import a_sample


class Secret:
    """Takes the word out."""

    name: ClassVar[str] = "secret"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1"

    def redact(self, text: str) -> str:
        """The text without it."""
        return text.replace("secret", "[x]").replace("4711", "[n]")


def test_no_text_is_forgotten() -> None:
    """Prompt, answers, reference, refusals and arguments; thoughts and raw JSON are in no row."""
    message = Message("assistant", "secret", refusal="secret", reasoning="secret", canonical='{"a": "secret"}')
    called = Message("assistant", tool_calls=(ToolCall("c", "f", '{"secret": ["secret", 4711, 1.5, true]}'),))
    sample = a_sample(prompt=(message, called), completion=message, rejected=message, reference=message)

    found = redacted(sample, Redaction([Secret()]))

    assert "secret" not in repr(found)
    assert found.prompt[1].tool_calls[0].arguments == '{"[x]":["[x]","[n]",1.5,true]}'


def test_broken_arguments_are_redacted_as_text() -> None:
    """And arguments that hold nothing stay as they were, byte for byte."""
    arguments = ('{"a": "secret', '{ "a":  1 }')
    called = Message("assistant", tool_calls=tuple(ToolCall("c", "f", one) for one in arguments))

    found = redacted(a_sample(prompt=(called,)), Redaction([Secret()])).prompt[0].tool_calls

    assert [one.arguments for one in found] == ['{"a": "[x]', '{ "a":  1 }']
    assert json.loads(found[1].arguments) == {"a": 1}


def test_a_text_that_comes_again_is_not_read_again() -> None:
    """What was made of it is remembered; of texts that are long, or long ago, it is made anew."""
    read: list[str] = []

    class Reader(Secret):
        def redact(self, text: str) -> str:
            read.append(text)
            return super().redact(text)

    redaction = Redaction([Reader()])
    assert [redaction.redact("a secret") for _ in range(3)] == ["a [x]"] * 3
    assert read == ["a secret"]
    for number in range(REMEMBERED + 1):
        redaction.redact(str(number))
    assert [redaction.redact("a secret"), redaction.redact("b" * 20_000), redaction.redact("b" * 20_000)][0] == "a [x]"
    assert read[REMEMBERED + 2 :] == ["a secret", "b" * 20_000, "b" * 20_000]


def test_arguments_without_a_bottom_are_redacted_as_text() -> None:
    """A model that nests them too deep for a reader ends no build."""
    deep = "[" * 5_000 + '"secret"' + "]" * 5_000
    called = Message("assistant", tool_calls=(ToolCall("c", "f", deep),))
    assert "secret" not in redacted(a_sample(prompt=(called,)), Redaction([Secret()])).prompt[0].tool_calls[0].arguments
