"""Corrections: cues and rules together, and what takes their weight away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.text.correction import correction
from backtalk.text.exchange import Exchange

ANSWER = "The capital of Australia is Sydney."


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (ANSWER, "no, that's wrong"),
        (ANSWER, "are you sure?"),
        (ANSWER, "Canberra, not Sydney"),
        ("91 is prime.", "check again"),
    ],
)
def test_a_correction_is_likely(answer: str, text: str) -> None:
    """By cue or by rule."""
    assert correction(Exchange("", answer, text))[0] >= 0.5


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("Hello! How can I help you?", "my printer does not work"),
        (ANSWER, "but what would you see there?"),
        (ANSWER, "Actually, let's talk of Austria"),
        ("Booked. Do you need anything else?", "no, that should be all"),
        ("You stand at a door. What do you do?", "I try again to open it"),
        (ANSWER, "why do people say that it is wrong"),
        (ANSWER, "no problem"),
    ],
)
def test_what_only_sounds_like_one_is_not(answer: str, text: str) -> None:
    """A first message, a question, a change of mind, an end, a game."""
    assert correction(Exchange("", answer, text))[0] < 0.5


def test_rules_are_named() -> None:
    """As evidence."""
    assert correction(Exchange("", ANSWER, "Canberra, not Sydney"))[1] == ("not_this",)


@given(st.text(max_size=100), st.text(max_size=100), st.text(max_size=100))
def test_a_probability_is_one(asked: str, answer: str, text: str) -> None:
    """Whatever is typed."""
    assert 0 <= correction(Exchange(asked, answer, text))[0] <= 1
