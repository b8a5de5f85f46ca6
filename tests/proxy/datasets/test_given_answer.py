"""A correction's value as a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.datasets.formats.unfit import UnfitError
from backtalk.datasets.given_answer import given_answer
from backtalk.model.chat import Message


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


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "content_not_kept"),
        ('""', "answer_empty"),
        ("5", "correction_not_understood"),
        ('{"role": "user", "content": "x"}', "answer_not_by_assistant"),
        ('{"content": [{"type": "image_url"}]}', "attachments"),
    ],
)
def test_what_is_no_answer_says_why(value: str | None, reason: str) -> None:
    """By a stable word."""
    with pytest.raises(UnfitError) as caught:
        given_answer(value)
    assert caught.value.reason == reason


@given(st.text())
def test_any_text_is_understood_or_unfit(text: str) -> None:
    """Whatever stands in a correction, nothing else is raised."""
    try:
        given_answer(text)
    except UnfitError as error:
        assert error.reason  # noqa: PT017 -- most texts raise, some do not
