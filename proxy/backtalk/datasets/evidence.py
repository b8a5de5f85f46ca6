"""What a fact says of an answer, in log-odds: pure.

In: rows of feedback and signals that count, and weights. Out: `Evidence`. The one rule: what facts say is added up, so
every row can be taken apart into the facts behind it.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from backtalk.datasets.weights import Weights
from backtalk.ledger.schema import Row
from backtalk.model.ids import CallKey, SpanId, TraceId
from backtalk.plugin import Evidence, Scalar

_PRIORS: Final = Weights()
_SCALES: Final = frozenset(("score", "outcome", "label"))
_JUDGE: Final = 0.5
"""What a model says weighs half of what a person says."""
_SESSION: Final = 0.3
"""What is said of a session weighs so much of what is said of an answer, for its last one: an assumption."""
_SIGNS: Final[Mapping[str, int]] = {"higher": 1, "lower": -1, "none": 0}
_UNWEIGHED: Final = ("", 0.0)


def of_feedback(row: Row, weights: Weights = _PRIORS) -> Evidence:
    """What a feedback says of the call that it is about."""
    value = _value(row)
    measure, amount = _measured(row, value, weights)
    amount *= _JUDGE if row.get("source") == "model_judge" else 1
    of_session = bool(row.get("session_id"))
    amount *= _SESSION if of_session else 1
    scalar = value if value is None or isinstance(value, bool | int | float) else _word(row, value)
    return Evidence(
        "feedback",
        row["feedback_id"],
        row["kind"],
        _log_odds(weights, measure, amount),
        scalar,
        row.get("source") or "end_user",
        rank=row.get("rank") if row["kind"] == "ranking" else None,
        measure=measure,
        amount=amount,
        of_session=of_session,
    )


def of_signal(row: Row, weights: Weights = _PRIORS) -> Evidence:
    """What a signal says, by how probable it is."""
    polarity, probability = row.get("polarity") or "", float(row["probability"])
    known = (f"signal.{row['kind']}", f"polarity.{polarity}")
    measure = next((name for name in known if name in weights.values and polarity != "neutral"), "")
    amount = probability if measure else 0.0
    return Evidence(
        "signal",
        row["signal_id"],
        row["kind"],
        _log_odds(weights, measure, amount),
        probability,
        shown_by=shown_by(row),
        measure=measure,
        amount=amount,
    )


def key(row: Row) -> CallKey:
    """The call that a row is about."""
    return CallKey(TraceId(row["trace_id"]), SpanId(row["span_id"]))


def shown_by(row: Row) -> CallKey:
    """The call that showed a signal."""
    return CallKey(TraceId(row["shown_by_trace_id"]), SpanId(row["shown_by_span_id"]))


def _value(row: Row) -> Any:
    return None if row.get("value_json") is None else json.loads(row["value_json"])


def _measured(row: Row, value: Any, weights: Weights) -> tuple[str, float]:
    """Which weight a feedback counts with, and how much of it."""
    match row["kind"]:
        case "rating" if isinstance(value, bool):
            return ("rating.up" if value else "rating.down"), 1.0
        case "correction":
            return "correction", 1.0
        case "event" if f"event.{value}" in weights.values:
            return f"event.{value}", 1.0
        case kind if kind in _SCALES:
            return kind, _share(row, value)
        case _:
            return _UNWEIGHED


def _log_odds(weights: Weights, measure: str, amount: float) -> float:
    return round(weights.values[measure] * amount, 6) if measure else 0.0


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
