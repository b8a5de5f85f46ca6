"""An exchange read once: what the answer was, and what of the turn is the person's own."""

import pytest

from backtalk.text.exchange import Exchange


@pytest.mark.parametrize(
    "text",
    [
        'A says "that is wrong, you fool" and leaves',
        "classify: this is useless and does not work",
        "```\nprint('that is wrong')\n```",
    ],
)
def test_what_is_quoted_or_pasted_is_no_cue(text: str) -> None:
    """A story, an order's payload, code."""
    assert Exchange("", "Fine.", text).cues == ()


def test_the_end_of_a_long_text_is_read() -> None:
    """Where people say what they think of the answer, below what they paste."""
    pasted = "\n".join(f"line {number} of the log" for number in range(2000))
    assert "correction" in Exchange("", "Try this.", f"{pasted}\n\nIt still doesn't work.").kinds


def test_an_answer_that_only_offers_help_greets() -> None:
    """Nothing of it can be wrong."""
    assert Exchange("hi", "Hello! How can I help you today?", "").greets
    assert not Exchange("hi", "Sorry, I cannot do that. How can I help you?", "").greets


def test_an_answer_asks_by_a_mark_or_an_invitation() -> None:
    """What follows it may be the reply."""
    assert Exchange("", "Which colour?", "").asks
    assert Exchange("", "Please provide the number of your order.", "").asks
    assert not Exchange("", "It is blue.", "").asks


def test_code_is_seen() -> None:
    """Commands, too."""
    assert Exchange("", "Run `ls -l` there.", "").has_code
    assert Exchange("", "pip install numpy", "").has_code
    assert not Exchange("", "Numpy is a library.", "").has_code
