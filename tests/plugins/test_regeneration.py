"""The regeneration detector: only an answer that was given can be passed over."""

from backtalk.testing import factories
from backtalk.testing.conformance import check_detector
from backtalk_regeneration import Regeneration


def test_it_conforms() -> None:
    """Loads, is pure, survives odd facts, claims within bounds, is quick."""
    check_detector(Regeneration)


def test_a_repeat_of_a_failed_call_is_no_regeneration() -> None:
    """There was no answer to pass over."""
    failed = factories.turn("Why?", "", status=503)
    assert not Regeneration().observe(factories.opened("Why?"), factories.view("repeat", sibling=failed))


def test_a_regeneration_is_less_likely_on_a_weaker_link() -> None:
    """The claim is worth what the link is worth."""
    beside = factories.turn("Why?")
    signals = [
        Regeneration().observe(
            factories.opened("Why?"), factories.view("first_turn_repeat", sibling=beside, confidence=confidence)
        )
        for confidence in (1.0, 0.7)
    ]
    assert signals[0][0].probability > signals[1][0].probability
