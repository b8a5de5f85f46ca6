"""Acceptance: thanks, praise, and that nothing else is wanted."""

import pytest

from backtalk.text.acceptance import acceptance, closes
from backtalk.text.exchange import Exchange

ANSWER = "The train leaves at nine."


@pytest.mark.parametrize(
    "text",
    ["Thanks!", "That flight seems good", "hahaha", "works like a charm", "I really like that one", "谢谢,写得真好"],
)
def test_praise_and_thanks_are_likely(text: str) -> None:
    """In whatever words."""
    assert acceptance(Exchange("", ANSWER, text)) >= 0.5


@pytest.mark.parametrize("text", ["Can you send me the address, thanks", "what is the price", "good morning"])
def test_manners_are_no_acceptance(text: str) -> None:
    """Thanks at the end of a request."""
    assert acceptance(Exchange("", ANSWER, text)) < 0.5


def test_a_no_to_anything_else_closes() -> None:
    """And so does "that is all"."""
    assert closes(Exchange("", "Booked. Anything else I can do?", "nope"))
    assert closes(Exchange("", ANSWER, "no, that should be all"))
    assert not closes(Exchange("", "Is it red?", "nope"))
    assert not closes(Exchange("", ANSWER, "I read that it is banned"))
