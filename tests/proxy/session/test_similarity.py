"""Pair features: rewordings score high, other questions low, whatever the script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from backtalk.session.similarity import compare, reformulation, words


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("When did they disband?", "When did the Mothers of Invention disband?"),
        ("How do I boil an egg", "How do I boil an egg properly?"),
        ("what is the capital of france", "What is France's capital, the capital of France?"),
    ],
)
def test_a_rewording_scores_high(a: str, b: str) -> None:
    """The same question, said more fully."""
    assert reformulation(a, b) > 0.5


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("When did they disband?", "Who played the drums?"),
        ("How do I boil an egg?", "Which museums are open on Mondays?"),
        ("Thanks, that helps", "What about the second one?"),
    ],
)
def test_another_question_scores_low(a: str, b: str) -> None:
    """Nothing of it was asked before."""
    assert reformulation(a, b) < 0.3


def test_unspaced_scripts_have_words_too() -> None:
    """Neighbouring characters stand in for words."""
    assert words("东京天气") == {"东京", "京天", "天气"}


@given(st.text(max_size=200), st.text(max_size=200))
def test_features_and_score_stay_within_bounds(a: str, b: str) -> None:
    """Whatever is typed."""
    assert all(0 <= value <= 1 for value in astuple(compare(a, b)))
    assert 0 <= reformulation(a, b) <= 1
