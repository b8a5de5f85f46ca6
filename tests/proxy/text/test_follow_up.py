"""Follow-up turns: what they say of the answer before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.text.follow_up import dissatisfaction, follow_up

ASKED, ANSWER = "Who wrote Solaris?", "Solaris was written by Isaac Asimov in 1961."


@pytest.mark.parametrize(
    "text",
    [
        "No, that's wrong.",
        "you're hallucinating",
        "It's Lem, not Asimov.",
        "The author is Stanislaw Lem, not Isaac Asimov",
    ],
)
def test_a_correction_is_likely(text: str) -> None:
    """With a cue, or as a statement about the answer's own words."""
    turn = follow_up(ASKED, ANSWER, text)
    assert turn.correction >= 0.5
    assert turn.acceptance < 0.5


@pytest.mark.parametrize("text", ["Thanks!", "Perfect, that's what I needed", "That sounds good", "gracias"])
def test_an_acceptance_is_likely(text: str) -> None:
    """Praise and thanks."""
    turn = follow_up(ASKED, ANSWER, text)
    assert turn.acceptance >= 0.5
    assert turn.correction < 0.5


def test_a_no_that_answers_a_question_is_no_complaint() -> None:
    """The model asked."""
    assert follow_up(ASKED, "Do you mean the film?", "No, the book").correction < 0.5
    assert follow_up(ASKED, ANSWER, "No, the book").correction >= 0.5


def test_the_question_again_is_a_reformulation_and_to_the_letter_a_repeat() -> None:
    """Which of the two is told."""
    again = follow_up("How do I boil an egg", "Take some water.", "How do I boil an egg properly?")
    same = follow_up("How do I boil an egg", "Take some water.", "how do i boil an egg?")
    assert (again.reformulation > 0.8, again.repeats) == (True, False)
    assert same.repeats


def test_a_question_before_the_last_one_counts_too() -> None:
    """People come back to it."""
    before = ("How do I boil an egg",)
    turn = follow_up("What about potatoes?", "Twenty minutes.", "How do I boil an egg properly?", before)
    assert turn.reformulation >= 0.5


def test_a_frame_with_another_payload_is_an_apps() -> None:
    """Three texts of one make are nobody's rewording."""
    frame = "Classify the sentiment of this review as positive or negative. Review: "
    turn = follow_up(frame + "I loved it", "positive", frame + "I loved it so", (frame + "Awful",))
    assert turn.reformulation == 0.0
    assert turn.rules == ("template",)


def test_a_wish_for_more_says_nothing() -> None:
    """The answer was long."""
    assert follow_up(ASKED, ANSWER, "continue")[:5] == (0.0, 0.0, 0.0, 0.0, 0.0)


def test_an_unhappy_person_ranks_above_a_happy_one() -> None:
    """A failure of the model counts too."""
    texts = [("Sorry, I couldn't find it.", "Try something else"), (ANSWER, "Great, thanks")]
    unhappy, happy = (dissatisfaction(follow_up(ASKED, a, text), a, text) for a, text in texts)
    assert unhappy > happy


@given(st.text(max_size=100), st.text(max_size=100), st.text(max_size=100))
def test_probabilities_are_such(asked: str, answer: str, text: str) -> None:
    """Whatever is typed."""
    assert all(0 <= p <= 1 for p in follow_up(asked, answer, text)[:5])
