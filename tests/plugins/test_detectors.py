"""The built-in detectors: each conforms, and claims only what its view shows."""

from typing import get_args

import pytest

from backtalk.model.frames import Outcome
from backtalk.plugin.discovery import DETECTORS, installed
from backtalk.plugin.protocols import Detector
from backtalk.testing import factories
from backtalk.testing.conformance import check_detector
from backtalk_assistant_edit import AssistantEdit
from backtalk_reformulation import Reformulation, ReformulationSettings
from backtalk_regeneration import Regeneration
from backtalk_stop import Stop


@pytest.mark.parametrize("name", sorted(installed(DETECTORS)))
def test_it_conforms(name: str) -> None:
    """Loads, is pure, survives odd facts, claims within bounds, is quick."""
    plugin: type[Detector] = installed(DETECTORS)[name].load()
    check_detector(plugin)


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


def test_an_assistant_edit_carries_what_was_written() -> None:
    """The pair of given and edited answer is the value of this signal."""
    about = factories.turn("Why?", "Because of the sun.")
    view = factories.view("assistant_edited", parent=about, evidence={"shown_text": "Because of the moon."})
    (signal,) = AssistantEdit().observe(factories.opened("And?"), view)
    assert signal.about == about.key
    assert signal.evidence["edited_text"] == "Because of the moon."


@pytest.mark.parametrize("outcome", sorted(set(get_args(Outcome)) - {"client_disconnected"}))
def test_only_a_client_that_left_has_stopped(outcome: Outcome) -> None:
    """Whoever else ended the answer, it was not the reader."""
    end = factories.closed(factories.opened("Why?"), "Because", outcome=outcome)
    assert not Stop().observe(end, factories.view())


def test_a_whole_answer_that_does_not_stream_cannot_be_stopped() -> None:
    """Nobody read half of it."""
    end = factories.closed(factories.opened("Why?", stream=False), "Because", outcome="client_disconnected")
    assert not Stop().observe(end, factories.view())


def test_leaving_at_once_is_hardly_a_stop() -> None:
    """Nobody reads that fast; a tab was closed."""
    call = factories.opened("Why?")
    early, late = (factories.closed(call, "Because", outcome="client_disconnected", after_s=s) for s in (0.1, 5))
    assert (
        Stop().observe(early, factories.view())[0].probability < Stop().observe(late, factories.view())[0].probability
    )
