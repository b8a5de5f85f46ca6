"""Words: of any script, and which language they are of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.text.function_words import BY_LANGUAGE
from backtalk.text.words import FUNCTION_WORDS, is_unspaced, language, normal, script, words


def test_unspaced_scripts_have_words_too() -> None:
    """Neighbouring characters stand in for words."""
    assert words(normal("东京天气")) == ["东京", "京天", "天气"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Tides?", "latin"),
        ("Приливы", "cyrillic"),
        ("潮汐", "han"),
        ("潮の満ち引き", "kana"),
        ("조수", "hangul"),
        ("42", "none"),
    ],
)
def test_the_script_is_that_of_most_letters(text: str, name: str) -> None:
    """Kana make a text Japanese."""
    assert script(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [("what is the tide", "en"), ("was ist die Flut", "de"), ("qué es la marea", "es"), ("Kubernetes", None)],
)
def test_function_words_tell_the_language(text: str, name: str | None) -> None:
    """Where none stands out, none is told."""
    assert language(words(normal(text))) == name


def test_function_words_are_written_as_texts_are_read() -> None:
    """One that is not case-folded would never be found."""
    assert all(normal(word) == word for word in FUNCTION_WORDS)
    assert len(BY_LANGUAGE) >= 14


@given(st.text(max_size=300))
def test_any_text_has_a_script_and_words(text: str) -> None:
    """Whatever is typed."""
    assert isinstance(script(text), str)
    assert all(words(normal(text)))
    assert isinstance(is_unspaced(text), bool)
