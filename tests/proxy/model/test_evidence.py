"""Evidence where texts may not be kept."""

from backtalk.model.evidence import without_texts


def test_only_entries_that_say_that_they_are_texts_go() -> None:
    """The name tells: a plugin need not know the settings."""
    evidence = {"rule": "branch", "edited_text": "what somebody wrote", "text_count": 3}
    assert without_texts(evidence) == {"rule": "branch", "text_count": 3}
