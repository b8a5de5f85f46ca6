"""The assistant edit detector: what was written instead is the value of it."""

from backtalk.testing import factories
from backtalk.testing.conformance import check_detector
from backtalk_assistant_edit import AssistantEdit


def test_it_conforms() -> None:
    """Loads, is pure, survives odd facts, claims within bounds, is quick."""
    check_detector(AssistantEdit)


def test_an_assistant_edit_carries_what_was_written() -> None:
    """The pair of given and edited answer is the value of this signal."""
    about = factories.turn("Why?", "Because of the sun.")
    view = factories.view("assistant_edited", parent=about, evidence={"shown_text": "Because of the moon."})
    (signal,) = AssistantEdit().observe(factories.opened("And?"), view)
    assert signal.about == about.key
    assert signal.evidence["edited_text"] == "Because of the moon."


def test_an_edit_is_measured() -> None:
    """By words: what stands, what went, what came."""
    about = factories.turn("Why?", "The wind pushes the water of the sea.")
    view = factories.view("assistant_edited", parent=about, evidence={"shown_text": "The moon pulls the water of it."})
    (signal,) = AssistantEdit().observe(factories.opened("And?"), view)
    measured = {name: signal.evidence[name] for name in ("similarity", "removed_words", "added_words")}
    assert measured == {"similarity": 0.5333, "removed_words": 4, "added_words": 3}
