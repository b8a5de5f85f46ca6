"""The stop detector: only a reader stops an answer."""

from typing import get_args

import pytest

from backtalk.model.frames import Outcome
from backtalk.testing import factories
from backtalk.testing.conformance import check_detector
from backtalk_stop import Stop


def test_it_conforms() -> None:
    """Loads, is pure, survives odd facts, claims within bounds, is quick."""
    check_detector(Stop)


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
