"""Function words: a language's own."""

from backtalk.text.function_words import BY_LANGUAGE


def test_every_language_has_enough_to_be_told_by() -> None:
    """A handful would be found in too few sentences."""
    assert all(len(listed) >= 20 for listed in BY_LANGUAGE.values())
