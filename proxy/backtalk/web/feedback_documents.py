"""What was said, as JSON, with what became of it: pure.

In: the rows of one feedback, the calls that may be meant, and what came after it. Out: a document with a `status`:
`pending` (no call is known under its key yet), `joined`, `ambiguous` (several calls fit: listed, never counted),
`rejected` (the call shows that it cannot be meant so; `reason` says why), `superseded` and `retracted`.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from backtalk.ledger.schema import Row
from backtalk.ledger.targets import targets

_SHOWN: Final = (
    "feedback_id", "kind", "given_ns", "metric", "comment", "rater", "source", "channel", "at_ns", "supersedes",
    "choice", "level", "direction", "distance", "duration_s", "rubric", "committed",
)  # fmt: skip
_KEY: Final = ("trace_id", "span_id", "response_id", "parent_span_id", "session_id")


def feedback_document(items: Sequence[Row], calls: Sequence[Row], later: Sequence[Row]) -> dict[str, Any]:
    """One feedback; `items` are its rows, one for each call where it is about several."""
    first = items[0]
    fits = [_fitting(row, calls) for row in items]
    document = {name: first[name] for name in _SHOWN if first.get(name) is not None}
    document |= {"value": json.loads(first.get("value_json") or "null"), "key": _key(first)}
    if first.get("span_start") is not None:
        document["span"] = {"start": first["span_start"], "end": first["span_end"]}
    if first.get("range_low") is not None:
        document["range"] = [first["range_low"], first["range_high"]]
    if len(items) > 1:
        document["calls"] = [
            _key(row) | {"found": [_call(call) for call in found]} for row, found in zip(items, fits, strict=True)
        ]
    return document | _standing(first, fits, _after(first, later))


def _standing(first: Row, fits: Sequence[Sequence[Row]], after: Sequence[Row]) -> dict[str, Any]:
    history = [{"feedback_id": row["feedback_id"], "kind": row["kind"], "given_ns": row["given_ns"]} for row in after]
    told: dict[str, Any] = {"status": _status(first, fits, after)}
    if history:
        told["history"] = history
    if first["kind"] == "retraction":
        return told
    if len(fits) == 1 and not first.get("session_id"):
        candidates = [_call(call) for call in fits[0]]
        told |= {"target": candidates[0]} if len(candidates) == 1 else {"target": None, "candidates": candidates}
    return told


def _status(first: Row, fits: Sequence[Sequence[Row]], after: Sequence[Row]) -> str:
    if any(row["kind"] == "retraction" for row in after):
        return "retracted"
    if after:
        return "superseded"
    if first["kind"] == "retraction":
        return "joined"
    if not all(fits):
        return "pending"
    return "ambiguous" if any(len(found) > 1 for found in fits) and not first.get("session_id") else "joined"


def _fitting(row: Row, calls: Sequence[Row]) -> list[Row]:
    """The calls that a row means; for a session, those of it that are known."""
    session = row.get("session_id")
    if not session:
        return targets(row, calls)
    mine = [call for call in calls if call.get("tenant") == row["tenant"]]
    return [call for call in mine if session in (call.get("session_id"), call.get("declared_session"))]


def _after(first: Row, later: Sequence[Row]) -> list[Row]:
    """What replaced it or took it back, oldest first; nobody but its own tenant can."""
    named = [row for row in later if row.get("supersedes") == first["feedback_id"] and row["tenant"] == first["tenant"]]
    return sorted(named, key=lambda row: row["given_ns"])


def _key(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in _KEY if row.get(name) is not None}


def _call(call: Row) -> dict[str, str]:
    return {"trace_id": call["trace_id"], "span_id": call["span_id"]}
