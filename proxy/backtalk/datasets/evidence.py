"""What a fact says of an answer, in log-odds: pure.

In: rows of feedback and signals that count. Out: `Evidence`. The weights are a stated prior, of the size that logistic
fits of simulated traffic gave: what people say weighs more than what they do, and what was found out later weighs most.
They are added up, so every row can be taken apart into the facts behind it.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from backtalk.ledger.schema import Row
from backtalk.model.ids import CallKey, SpanId, TraceId
from backtalk.plugin import Evidence, Scalar

_THUMBS: Final[Mapping[bool, float]] = {True: 1.4, False: -2.3}
_SCALES: Final[Mapping[str, float]] = {"score": 2.0, "outcome": 2.5, "label": 3.0}
"""What the best value says; the worst says the opposite."""
_CORRECTION: Final = -1.4
_JUDGE: Final = 0.5
"""What a model says weighs half of what a person says."""
_EVENTS: Final[Mapping[str, float]] = {
    "copied": 0.73, "inserted": 0.73, "accepted": 1.2, "shared": 0.7, "edited": -0.5, "stopped": -0.36, "undone": -0.8,
}  # fmt: skip
_SIGNALS: Final[Mapping[str, float]] = {
    "regeneration": -0.66, "reformulation": -0.7, "assistant_edit": -0.7, "stop": -0.36, "correction": -1.2,
    "acceptance": 0.68, "clarification": -0.4, "escalation": -1.2, "refusal": -0.7, "apology_loop": -0.5,
    "empty_answer": -2.0, "exhaustion": -1.0, "invalid_tool_arguments": -1.5, "tool_schema_violation": -1.5,
    "tool_error_repeated": -0.7, "tool_loop": -1.0, "parameter_drift": -0.5, "invalid_structured_output": -1.5,
}  # fmt: skip
_SIGNS: Final[Mapping[str, int]] = {"higher": 1, "lower": -1, "none": 0}
_BY_POLARITY: Final[Mapping[str, float]] = {"negative": -0.5, "positive": 0.5}
"""What a signal of a plugin says."""


def of_feedback(row: Row) -> Evidence:
    """What a feedback says of the call that it is about."""
    value = _value(row)
    log_odds = _said(row, value) * (_JUDGE if row.get("source") == "model_judge" else 1)
    scalar = value if value is None or isinstance(value, bool | int | float) else _word(row, value)
    return Evidence(
        "feedback",
        row["feedback_id"],
        row["kind"],
        round(log_odds, 6),
        scalar,
        row.get("source") or "end_user",
        rank=row.get("rank") if row["kind"] == "ranking" else None,
    )


def of_signal(row: Row) -> Evidence:
    """What a signal says, by how probable it is."""
    weight = _SIGNALS.get(row["kind"], _BY_POLARITY.get(row.get("polarity") or "", 0.0))
    if row.get("polarity") == "neutral":
        weight = 0.0
    probability = float(row["probability"])
    return Evidence(
        "signal", row["signal_id"], row["kind"], round(weight * probability, 6), probability, shown_by=shown_by(row)
    )


def key(row: Row) -> CallKey:
    """The call that a row is about."""
    return CallKey(TraceId(row["trace_id"]), SpanId(row["span_id"]))


def shown_by(row: Row) -> CallKey:
    """The call that showed a signal."""
    return CallKey(TraceId(row["shown_by_trace_id"]), SpanId(row["shown_by_span_id"]))


def _value(row: Row) -> Any:
    return None if row.get("value_json") is None else json.loads(row["value_json"])


def _said(row: Row, value: Any) -> float:
    match row["kind"]:
        case "rating" if isinstance(value, bool):
            return _THUMBS[value]
        case "correction":
            return _CORRECTION
        case "event":
            return _EVENTS.get(str(value), 0.0)
        case kind:
            return _SCALES.get(kind, 0.0) * _share(row, value)


def _share(row: Row, value: Any) -> float:
    """From -1 (bad) to 1 (good); 0 where it cannot be told: a category, or a number without its range."""
    sign = _SIGNS[row.get("direction") or "higher"]
    if isinstance(value, bool):
        return sign if value else -sign
    low, high = row.get("range_low"), row.get("range_high")
    if not isinstance(value, int | float) or low is None or high is None or high <= low:
        return 0.0
    return float(sign * max(-1.0, min(1.0, 2 * (value - low) / (high - low) - 1)))


def _word(row: Row, value: Any) -> Scalar:
    """The name of an event or a category; what people wrote is no value of evidence."""
    return value if isinstance(value, str) and row["kind"] in ("event", "outcome", "label") else None
