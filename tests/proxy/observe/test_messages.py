"""Messages of any shape are kept."""

from typing import Any

import pytest

from backtalk.model.chat import Message, ToolCall, Usage
from backtalk.observe.messages import error_of, message_of, text_of, usage_of


def test_a_plain_message_is_its_text() -> None:
    """Role and text say all, so there is no second copy."""
    assert message_of({"role": "user", "content": "hello"}) == Message("user", "hello")
    assert message_of({"role": "assistant", "content": "hello", "refusal": None, "annotations": []}) == Message(
        "assistant", "hello"
    )


def test_parts_are_text_and_attachments() -> None:
    """Text parts are read as lines; any other part is known by its hash; the whole is kept."""
    image = {"type": "image_url", "image_url": {"url": "data:,"}}
    found = message_of(
        {"role": "user", "content": [{"type": "text", "text": "a"}, image, {"type": "text", "text": "b"}]}
    )
    assert found.text == "a\nb"
    assert [len(digest) for digest in found.attachments] == [64]
    assert found.canonical is not None
    assert '"url":"data:,"' in found.canonical


def test_tool_calls_are_found_in_every_spelling() -> None:
    """Functions, custom tools, arguments that are no text, and the old `function_call`."""
    found = message_of(
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "2", "type": "custom", "custom": {"name": "g", "input": "x"}},
                {"id": "3", "function": {"name": "h", "arguments": {"a": 1}}},
                "odd",
            ],
            "function_call": {"name": "old", "arguments": "[]"},
        }
    )
    assert found.tool_calls == (
        ToolCall("1", "f", "{}"),
        ToolCall("2", "g", "x"),
        ToolCall("3", "h", '{"a":1}'),
        ToolCall("", "old", "[]"),
    )


def test_a_tool_answer_names_its_call() -> None:
    """The text and the call's id stand in their fields, the rest in the canonical form."""
    found = message_of({"role": "tool", "tool_call_id": "1", "content": "42"})
    assert found == Message(
        "tool", "42", tool_call_id="1", canonical='{"content":"42","role":"tool","tool_call_id":"1"}'
    )


def test_refusal_and_reasoning_are_no_text() -> None:
    """A refusal is found as field and as part; reasoning under both of its names."""
    assert message_of({"role": "assistant", "content": None, "refusal": "no"}).refusal == "no"
    assert message_of({"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}).refusal == "no"
    assert message_of({"role": "assistant", "content": "a", "reasoning_content": "r"}).reasoning == "r"
    assert message_of({"role": "assistant", "content": "a", "reasoning": "r"}).reasoning == "r"


@pytest.mark.parametrize("raw", [None, 3, "text", [], [[]], {"role": 3, "content": {"a": []}, "tool_calls": {}}])
def test_an_odd_message_is_kept_as_it_is(raw: Any) -> None:
    """What is no message still has its canonical form."""
    found = message_of(raw)
    assert found.role == "unknown"
    assert found.canonical


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("a", "a"),
        (None, ""),
        (3, ""),
        (["a", {"type": "text", "text": "b"}], "a\nb"),
        ([{"type": 3, "text": "x"}], ""),
    ],
)
def test_text_is_read_from_any_content(content: object, text: str) -> None:
    """Texts, arrays of texts and of parts; a part of an odd type is no text."""
    assert text_of(content) == text


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, None),
        ({}, Usage()),
        (
            {"prompt_tokens": 1, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 3}},
            Usage(input_tokens=1, output_tokens=2, cached_tokens=3),
        ),
        (
            {"input_tokens": 1, "output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 3}},
            Usage(input_tokens=1, output_tokens=2, reasoning_tokens=3),
        ),
        ({"prompt_tokens": -1, "completion_tokens": True, "prompt_tokens_details": 3}, Usage()),
        ({"prompt_tokens": 10**30, "completion_tokens": "2"}, Usage()),
    ],
)
def test_usage_is_natural_numbers_or_nothing(raw: object, expected: Usage | None) -> None:
    """Both dialects' names; nonsense is left out rather than counted."""
    assert usage_of(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"error": {"message": "m", "type": "t", "code": "c"}}, ("t", "m")),
        ({"error": {"message": "m", "type": None, "code": "c"}}, ("c", "m")),
        ({"error": "m"}, (None, "m")),
        ({"detail": "m"}, (None, "m")),
        ({"object": "error", "message": "m", "type": "t"}, ("t", "m")),
        ([], (None, None)),
        ({"error": []}, (None, None)),
    ],
)
def test_an_error_is_found_in_every_spelling(raw: object, expected: tuple[str | None, str | None]) -> None:
    """OpenAI's shape and those of other servers."""
    assert error_of(raw) == expected
