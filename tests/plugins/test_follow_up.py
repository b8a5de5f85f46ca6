"""The follow-up detector: what a next turn says of the answer before it."""

import pytest

from backtalk.testing.conformance import check_detector
from backtalk.testing.dialogue import Dialogue, Stage
from backtalk_follow_up import FollowUpSettings, FollowUpTurn


def test_it_conforms() -> None:
    """Loads, is pure, survives odd facts, claims within bounds, is quick."""
    check_detector(FollowUpTurn)


@pytest.mark.parametrize(
    ("text", "kind", "polarity"),
    [
        ("No, that's wrong.", "correction", "negative"),
        ("Thanks, that helps.", "acceptance", "positive"),
        ("I don't understand. What do you mean?", "clarification", "negative"),
        ("Let me talk to a human", "escalation", "negative"),
        ("不对，我问的是潮汐", "correction", "negative"),  # noqa: RUF001  # people type it so
    ],
)
def test_a_next_turn_is_a_claim_about_the_answer_before(text: str, kind: str, polarity: str) -> None:
    """With the rules that fired, and never the text."""
    stage = Stage(detectors=[FollowUpTurn()])
    chat = Dialogue(stage)
    about = chat.says("How do tides work?", answer="The moon pulls at the water of the sea.")
    chat.says(text)

    [signal] = [signal for signal in stage.signals if signal.kind == kind]
    assert (signal.about, signal.polarity, signal.provenance) == (about, polarity, "lexical")
    assert signal.evidence["rules"]
    assert text not in str(signal.evidence)


def test_a_first_turn_says_nothing_of_an_answer() -> None:
    """There is none."""
    stage = Stage(detectors=[FollowUpTurn()])
    Dialogue(stage).says("That's wrong.")
    assert not stage.signals


def test_from_which_probability_on_is_a_setting() -> None:
    """For those who want precision."""
    stage = Stage(detectors=[FollowUpTurn(FollowUpSettings(at_least=0.9))])
    chat = Dialogue(stage)
    chat.says("How do tides work?", answer="The moon pulls at the water of the sea.")
    chat.says("Are you sure?")
    assert not stage.signals
