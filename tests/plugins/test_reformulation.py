"""The reformulation detector: a place, a score, and no exact repeats."""

import pytest

from backtalk.testing import factories
from backtalk.testing.conformance import check_detector
from backtalk_reformulation import Reformulation, ReformulationSettings


def test_it_conforms() -> None:
    """Loads, is pure, survives odd facts, claims within bounds, is quick."""
    check_detector(Reformulation)


@pytest.mark.parametrize(("threshold", "count"), [(0.5, 1), (0.9, 0)])
def test_a_reformulation_needs_its_score(threshold: float, count: int) -> None:
    """The threshold is a setting."""
    detector = Reformulation(ReformulationSettings(edit=threshold))
    view = factories.view("branch", sibling=factories.turn("Why?"), evidence={"sibling_reformulation": 0.8})
    assert len(detector.observe(factories.opened("Why so?"), view)) == count


def test_an_exact_repeat_as_next_turn_is_no_reformulation() -> None:
    """People send "continue" again, pages are loaded twice."""
    text = "Please continue the story from here."
    view = factories.view(
        "next_turn", parent=factories.turn(text), user_text=text, evidence={"parent_reformulation": 1.0}
    )
    assert not Reformulation().observe(factories.opened(text), view)
