"""Replay: detectors over past calls, the same bytes each time."""

from backtalk.model.facts import CallClosed
from backtalk.plugin.discovery import load_detectors
from backtalk.review.replay import difference, lines, replay
from backtalk.settings import Settings
from backtalk.testing.dialogue import Dialogue, Stage

SECRET = b"a secret of thirty-two bytes....."
NAMES = ("regeneration", "reformulation", "follow_up")


def past() -> tuple[list[CallClosed], Stage]:
    """A dialogue with a regeneration and a complaint, as it was."""
    stage = Stage(detectors=load_detectors(NAMES, {}))
    chat = Dialogue(stage)
    chat.says("Tell me of the sea.")
    chat.says("How do the tides work?", answer="The moon pushes the water of the sea away.")
    chat.regenerates()
    chat.says("No, that's wrong.")
    return [fact for fact in stage.facts if isinstance(fact, CallClosed)], stage


def test_a_replay_notices_what_the_worker_noticed() -> None:
    """About the same calls, by the same detectors."""
    calls, stage = past()
    found = replay(calls, load_detectors(NAMES, {}), SECRET, Settings())
    assert [(s.kind, s.about, s.probability) for s in found] == [
        (s.kind, s.about, s.probability) for s in stage.signals
    ]
    assert [s.kind for s in found] == ["regeneration", "correction"]


def test_the_same_calls_give_the_same_bytes() -> None:
    """Whatever order they are given in."""
    calls, _ = past()
    first, second = (replay(part, load_detectors(NAMES, {}), SECRET, Settings()) for part in (calls, calls[::-1]))
    assert lines(first) == lines(second)


def test_the_difference_tells_what_came_and_what_went() -> None:
    """By detector and kind."""
    calls, stage = past()
    rows = [
        {
            "fact": "signal",
            "detector": signal.detector,
            "kind": signal.kind,
            "span_id": signal.about.span_id,
            "shown_by_span_id": signal.shown_by.span_id,
            "probability": signal.probability,
        }
        for signal in stage.signals
    ]
    found = replay(calls, load_detectors(("follow_up",), {}), SECRET, Settings())
    assert difference(found, rows) == [
        ("follow_up", "correction", 1, 0, 0, 0),
        ("regeneration", "regeneration", 0, 0, 0, 1),
    ]
    assert difference(found, []) == [("follow_up", "correction", 0, 0, 1, 0)]
    others = [{**row, "probability": 0.123} for row in rows if row["detector"] == "follow_up"]
    assert difference(found, others) == [("follow_up", "correction", 0, 1, 0, 0)]
