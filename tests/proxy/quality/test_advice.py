"""What to instrument next."""

import pytest

from backtalk.quality.advice import ENOUGH, Lost, advise, place
from backtalk.quality.coverage import Segment
from backtalk.quality.coverage_queries import COUNTS

NOTHING = Segment("all", {}, dict.fromkeys(COUNTS, 0))


def segment(calls: int, **counts: int) -> Segment:
    """Answers of one model by the Responses API."""
    values = {"model": "small", "route": "", "api": "responses", "path": "/v1/responses"}
    return Segment("model and endpoint", values, {**dict.fromkeys(COUNTS, 0), "calls": calls, **counts})


def codes(*segments: Segment) -> list[str]:
    """What is advised of these segments alone."""
    return [one.code for one in advise(segments, NOTHING, ())]


def test_calls_without_feedback_are_told_how_to_send_it() -> None:
    """The sentence names how many calls, of what, and the one thing to do."""
    [first, *_] = advise([segment(120, implicit=3)], NOTHING, ())
    assert first.finding == "120 calls of small via /v1/responses have no feedback"
    assert "x-trace-id" in first.action
    assert "POST /v1/feedback" in first.action


def test_most_traffic_comes_first() -> None:
    """Whatever the advice is about."""
    found = advise([segment(100, implicit=1), segment(900, implicit=1)], NOTHING, [Lost("trace_id", "pending", 500)])
    assert [one.calls for one in found] == [900, 500, 100]


@pytest.mark.parametrize(
    ("counts", "advised"),
    [
        ({"implicit": 5}, ["no_feedback"]),
        ({"explicit": 1, "implicit": 5}, ["no_outcome", "rare_feedback"]),
        ({"explicit": 50, "implicit": 5}, ["no_outcome"]),
        ({"explicit": 50, "implicit": 5, "outcome": 1}, []),
        ({"outcome": 500, "implicit": 5}, []),
        ({"of_session": 50, "implicit": 5, "outcome": 1}, []),
        ({"explicit": 50, "outcome": 1}, ["no_signal"]),
        ({"explicit": 50, "outcome": 1, "sessionless": 600}, ["no_session"]),
    ],
)
def test_each_gap_has_its_advice(counts: dict[str, int], advised: list[str]) -> None:
    """Only what is missing is advised, and no two things for one gap."""
    assert sorted(codes(segment(1_000, **counts))) == advised


def test_a_handful_of_calls_is_no_traffic() -> None:
    """Below that nothing is said of a segment."""
    assert codes(segment(ENOUGH - 1)) == []


def test_labels_are_asked_for_once_for_all_calls() -> None:
    """Not for each segment; and not where there are some."""
    total = Segment("all", {}, {**dict.fromkeys(COUNTS, 0), "calls": 1_000})
    assert [one.code for one in advise([], total, ())] == ["no_gold"]
    assert advise([], total._replace(counts={**total.counts, "gold": 1}), ()) == []


def test_lost_feedback_is_told_how_to_find_its_call() -> None:
    """What fits several calls needs another key than what fits none."""
    found = advise([], NOTHING, [Lost("trace_id", "ambiguous", 7), Lost("response_id", "pending", 3)])
    assert [(one.code, one.calls) for one in found] == [("ambiguous_feedback", 7), ("pending_feedback", 3)]
    assert "request_id" in found[0].action
    assert "API key" in found[1].action


@pytest.mark.parametrize("status", ["rejected", "pending", "ambiguous"])
def test_feedback_lost_by_several_keys_is_one_step(status: str) -> None:
    """What is to be done is the same, so it stands once, with the count of each key, the most first."""
    lost = [Lost(key, status, n) for key, n in (("trace_id", 7), ("response_id", 1_000), ("request_id", 1))]
    [step] = advise([], NOTHING, lost)
    assert step.finding.startswith("1,008 feedback (1,000 by response_id, 7 by trace_id, 1 by request_id) ")
    assert (step.calls, step.code) == (1_008, f"{status}_feedback")


def test_a_place_names_model_endpoint_and_route() -> None:
    """As a person would look for it."""
    routed = segment(1)._replace(values={"model": "", "route": "cheap", "api": "chat", "path": "/v1/chat/completions"})
    assert place(routed) == "no model via /v1/chat/completions by the route cheap"
