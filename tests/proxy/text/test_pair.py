"""Pair features: what stayed, what went and what came."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from backtalk.text.pair import compare, is_same, mixes_languages, trusts_words


def test_a_pronoun_that_is_named_is_seen() -> None:
    """What people do when the answer spoke of something else."""
    features = compare("When did they disband?", "When did the Mothers of Invention disband?")
    assert (features.lost_pronouns, features.lost_content, features.new_names) == (1, 0, 2)


def test_a_typing_error_is_kept_nearly() -> None:
    """The word came back, spelled right."""
    features = compare("what was virat koli's batting avrage", "what was virat kohli's batting average")
    assert features.kept < 0.7
    assert features.kept_nearly == 1.0


@pytest.mark.parametrize(
    ("a", "b", "same"), [("Why?", "  WHY ", True), ("Why\uff1f", "why?", True), ("Why?", "Why not?", False)]
)
def test_case_width_and_end_marks_do_not_count(a: str, b: str, *, same: bool) -> None:
    """A repeat to the letter, as people type it."""
    assert is_same(a, b) is same


def test_words_are_trusted_within_english_alone() -> None:
    """Nothing else was learned from."""
    assert trusts_words("What is the tide?", "What is a tide?")
    assert not trusts_words("What is the tide?", "Was ist die Flut?")
    assert not trusts_words("Was ist die Flut?", "Was ist die Ebbe?")
    assert mixes_languages("What is the tide?", "Was ist die Flut?")
    assert not mixes_languages("Was ist die Flut?", "Was ist die Ebbe?")


@given(st.text(max_size=200), st.text(max_size=200))
def test_features_are_finite(a: str, b: str) -> None:
    """Whatever is typed."""
    assert all(math.isfinite(value) for value in astuple(compare(a, b)))
