"""What a fact says of an answer."""

from typing import Any

import pytest

from backtalk.datasets.evidence import of_feedback, of_signal
from backtalk.testing import stories


def feedback(kind: str, value_json: str, **fields: Any) -> dict[str, Any]:
    """A row of feedback."""
    return {"feedback_id": "fb-1", "kind": kind, "value_json": value_json, "source": "end_user", "rank": None} | fields


@pytest.mark.parametrize(
    ("row", "log_odds"),
    [
        (feedback("rating", "true"), 1.4),
        (feedback("rating", "false"), -2.3),
        (feedback("score", "5", range_low=1.0, range_high=5.0), 2.0),
        (feedback("score", "3", range_low=1.0, range_high=5.0), 0.0),
        (feedback("score", "5"), 0.0),
        (feedback("outcome", "true"), 2.5),
        (feedback("outcome", "true", direction="lower"), -2.5),
        (feedback("outcome", "true", direction="none"), 0.0),
        (feedback("outcome", "null"), 0.0),
        (feedback("label", "false", source="reviewer"), -3.0),
        (feedback("label", "false", source="model_judge"), -1.5),
        (feedback("event", '"copied"'), 0.73),
        (feedback("comment", '"thanks"'), 0.0),
        (feedback("rating", "true", session_id="s"), 0.42),
        (feedback("outcome", "false", session_id="s", source="system"), -0.75),
    ],
)
def test_feedback_weighs_by_kind_and_value(row: dict[str, Any], log_odds: float) -> None:
    """What cannot be told (a null, a number without its range, a category) says nothing."""
    assert of_feedback(row).log_odds == log_odds


def test_words_are_no_value_of_evidence() -> None:
    """What people wrote never travels with a reason."""
    assert of_feedback(feedback("comment", '"call me"')).value is None
    assert of_feedback(feedback("event", '"copied"')).value == "copied"


@pytest.mark.parametrize(
    ("fields", "log_odds"),
    [
        ({"kind": "regeneration"}, -0.33),
        ({"kind": "of_a_plugin", "polarity": "positive"}, 0.25),
        ({"kind": "regeneration", "polarity": "neutral"}, 0.0),
    ],
)
def test_signals_weigh_by_their_probability(fields: dict[str, Any], log_odds: float) -> None:
    """A half-sure signal says half."""
    about, shown_by = stories.a_key(), stories.a_key()
    row = {
        "signal_id": "s", "probability": 0.5, "polarity": "negative", "trace_id": about.trace_id,
        "span_id": about.span_id, "shown_by_trace_id": shown_by.trace_id, "shown_by_span_id": shown_by.span_id,
    }  # fmt: skip
    found = of_signal(row | fields)
    assert (found.log_odds, found.shown_by) == (log_odds, shown_by)
