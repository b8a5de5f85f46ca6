"""Statements about the answer, told from statements of other kinds."""

import pytest

from backtalk.text.contradiction import contradicts
from backtalk.text.exchange import Exchange

ANSWER = "1. Platypus 2. Echidna 3. Kangaroo"


@pytest.mark.parametrize(
    "text",
    [
        "kangaroos don't lay eggs",
        "those are marsupials",
        "there are no sources",
        "the mammals repeat",
        "it's 5, I think",
    ],
)
def test_a_statement_about_the_answer_contradicts(text: str) -> None:
    """Without a word of complaint."""
    assert contradicts(Exchange("Name three mammals that lay eggs", ANSWER, text)) is not text.endswith("I think")


@pytest.mark.parametrize(
    "text",
    [
        "I like kangaroos",
        "why is the kangaroo one?",
        "my kangaroo is ill",
        "Australia is great",
        "that's great",
        "tell me more",
    ],
)
def test_another_statement_does_not(text: str) -> None:
    """Of themselves, of something else, of praise, or a question."""
    assert not contradicts(Exchange("Name three mammals that lay eggs", ANSWER, text))


def test_what_answers_the_model_does_not() -> None:
    """It asked."""
    assert not contradicts(Exchange("a riddle", "What has four legs?", "the table has four"))
