"""Which calls are told of."""

from typing import Any

import pytest

from backtalk.export.sampling import Sampler
from backtalk.model.facts import CallClosed
from backtalk.model.ids import new_trace_id
from backtalk.settings import TelemetrySettings
from backtalk.testing.facts import closed_call, opened_call


def _sampler(secret: bytes = b"s", **settings: Any) -> Sampler:
    return Sampler(TelemetrySettings(**settings), secret)


def _calls(count: int) -> list[CallClosed]:
    return [closed_call() for _ in range(count)]


def test_all_are_told_of_by_default_and_nothing_is_said_of_chances() -> None:
    """Metadata is whole until somebody wants less of it."""
    decision = _sampler().decide(closed_call())
    assert decision.told
    assert decision.words
    assert decision.attributes() == {}


def test_share_is_kept_and_told_with_its_chance() -> None:
    """About a fifth of a thousand; whoever counts can weigh."""
    sampler = _sampler(call_share=0.2)
    decisions = [sampler.decide(call) for call in _calls(1_000)]
    kept = [decision for decision in decisions if decision.told]
    assert 140 <= len(kept) <= 260
    expected = {"backtalk.sampling.reason": "share", "backtalk.sampling.probability": 0.2}
    assert all(decision.attributes() == expected for decision in kept)


def test_draw_is_the_traces_and_the_secrets() -> None:
    """A trace is told of whole, a repeat draws the same, another installation draws otherwise."""
    sampler, other = _sampler(call_share=0.5), _sampler(b"t", call_share=0.5)
    traces = [new_trace_id() for _ in range(60)]
    told = [[s.decide(closed_call(opened=opened_call(trace_id=t))).told for t in traces] for s in (sampler, sampler)]
    assert told[0] == told[1]
    assert [other.decide(closed_call(opened=opened_call(trace_id=t))).told for t in traces] != told[0]


@pytest.mark.parametrize(
    "changes",
    [{"status": 500}, {"status": 429}, {"outcome": "upstream_timeout"}, {"outcome": "interrupted", "status": 0}],
)
def test_every_error_is_told_of(changes: dict[str, Any]) -> None:
    """With its words, and a chance of one."""
    decision = _sampler(call_share=0, content_share=0).decide(closed_call(**changes))
    assert (decision.reason, decision.words) == ("error", True)
    assert decision.attributes()["backtalk.sampling.probability"] == 1.0


def test_person_who_leaves_is_no_error() -> None:
    """What a stop means is a signal's business."""
    assert not _sampler(call_share=0).decide(closed_call(outcome="client_disconnected")).told


def test_every_outlier_is_told_of() -> None:
    """Slower than nearly all of its model."""
    sampler = _sampler(call_share=0)
    assert not any(sampler.decide(call).told for call in _calls(150))
    assert sampler.decide(closed_call(duration_ns=60_000_000_000)).reason == "outlier"


def test_words_have_a_share_of_their_own_among_those_told_of() -> None:
    """Independent of the other draw."""
    sampler = _sampler(call_share=0.5, content_share=0.5)
    decisions = [sampler.decide(call) for call in _calls(1_000)]
    assert 400 <= sum(decision.told for decision in decisions) <= 600
    assert 180 <= sum(decision.words for decision in decisions) <= 320
    assert all(decision.told for decision in decisions if decision.words)
