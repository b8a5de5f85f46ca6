"""Frames with other payloads: nobody's rewording."""

import pytest

from backtalk.text.frames import is_template, swaps_a_word

FRAME = "Classify the sentiment of this review as positive or negative. Review: "


def test_a_long_frame_is_a_template() -> None:
    """Whatever stands in it."""
    assert is_template(FRAME + "one", FRAME + "two")
    assert not is_template("one", "two")


@pytest.mark.parametrize(
    ("a", "b", "swaps"),
    [
        ("tools similar to kde", "tools similar to kibana", True),
        ("translate: the house is big", "translate: where do you live", True),
        ("what was his batting avrage", "what was his batting average", False),
        ("translate: the house is big", "translate: the house is bigg", False),
        ("who wrote it", "who wrote Don Quixote", False),
    ],
)
def test_another_thing_in_the_same_frame_is_seen(a: str, b: str, *, swaps: bool) -> None:
    """A typing error mended is no other thing."""
    assert swaps_a_word(a, b) is swaps
