"""Feedback as rows: one, or one for each of several calls, all with the same `feedback_id`.

In: a fact. Out: its rows. Without content what people wrote is left out; what they chose among given answers is not.
"""

from typing import Any, Final

import msgspec

from backtalk.ledger.days import day
from backtalk.ledger.schema import Row
from backtalk.model.facts import FeedbackGiven
from backtalk.model.feedback import CallNamed

_SAME: Final = (
    "feedback_id", "kind", "value_json", "tenant", "given_ns", "metric", "comment", "rater", "body_sha256", "source",
    "channel", "key_id", "at_ns", "supersedes", "choice", "level", "direction", "distance", "duration_s", "rubric",
    "erased_ns",
)  # fmt: skip
_OWN: Final = ("trace_id", "span_id", "response_id", "parent_span_id", "rank", "shown")
_WRITTEN: Final = frozenset(("comment", "correction"))


def feedback_rows(fact: FeedbackGiven, *, content: bool = True) -> list[Row]:
    """The rows of one feedback."""
    row = _row(fact) | ({} if content else _without_text(fact))
    if not fact.calls:
        return [row]
    return [row | _item(call, fact) | {"item": number} for number, call in enumerate(fact.calls)]


def _row(fact: FeedbackGiven) -> dict[str, Any]:
    low, high = fact.range or (None, None)
    return {
        "dt": day(fact.given_ns),
        **{name: getattr(fact, name) for name in _SAME},
        "trace_id": fact.target_trace_id,
        "span_id": fact.target_span_id,
        "response_id": fact.target_response_id,
        "parent_span_id": fact.target_parent_span_id,
        "session_id": fact.target_session_id,
        "request_trace_id": fact.trace_id,
        "request_span_id": fact.span_id,
        "span_start": fact.span.start if fact.span else None,
        "span_end": fact.span.end if fact.span else None,
        "range_low": low,
        "range_high": high,
    }


def _item(call: CallNamed, fact: FeedbackGiven) -> dict[str, Any]:
    return {name: getattr(call, name) for name in _OWN} | {
        "choice": fact.choice if call.choice is None else call.choice
    }


def _without_text(fact: FeedbackGiven) -> dict[str, Any]:
    if fact.kind == "survey":
        return {"comment": None, "value_json": _chosen(fact.value_json)}
    return {"comment": None} | ({"value_json": None} if fact.kind in _WRITTEN else {})


def _chosen(value_json: str) -> str:
    """A survey without the answers that are texts."""
    survey: dict[str, Any] = msgspec.json.decode(value_json)
    survey["answers"] = {name: said for name, said in survey["answers"].items() if not isinstance(said, str)}
    return msgspec.json.encode(survey, order="sorted").decode()
