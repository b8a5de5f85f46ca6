"""What was said, as JSON, with what became of it: pure.

In: the standings of one feedback (`ledger.standing`, one for each call that it is about), what came after it, and the
calls around. Out: a document whose `status` is that of the one view; what is about a session is `pending` until a call
of it is known.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from backtalk.ledger.schema import Row
from backtalk.ledger.standing import Standing, State
from backtalk.web.feedback_document import changes, drawn

_SHOWN: Final = (
    "feedback_id", "kind", "given_ns", "metric", "comment", "rater", "source", "channel", "at_ns", "supersedes",
    "choice", "level", "direction", "distance", "duration_s", "rubric", "committed",
)  # fmt: skip
_KEY: Final = ("trace_id", "span_id", "response_id", "parent_span_id", "session_id")
_GRAVEST: Final[Sequence[State]] = ("retracted", "superseded", "rejected", "ambiguous", "pending", "replaced", "counts")
"""What is said of a feedback on several calls: the first of these that holds for one of them."""


def feedback_document(
    items: Sequence[Standing], later: Sequence[Row] = (), calls: Sequence[Row] = (), messages: Mapping[str, Row] = {}
) -> dict[str, Any]:
    """One feedback; `later` may be of any tenant, `calls` are searched for those of a session."""
    first = items[0].row
    document = {name: first[name] for name in _SHOWN if first.get(name) is not None}
    document |= {"value": json.loads(first.get("value_json") or "null"), "key": _key(first)}
    if first.get("span_start") is not None:
        document["span"] = {"start": first["span_start"], "end": first["span_end"]}
    if first.get("range_low") is not None:
        document["range"] = [first["range_low"], first["range_high"]]
    if len(items) > 1:
        document["calls"] = [
            _key(one.row) | {"found": [_call(call) for call in one.fits], "status": one.state} for one in items
        ]
    document |= _became(items, calls) | _history(first, later)
    return document | changes(items[0], messages) | drawn(items[0])


def _became(items: Sequence[Standing], calls: Sequence[Row]) -> dict[str, Any]:
    """The status, why it is so, and the call that is meant."""
    gravest = min(items, key=lambda one: _GRAVEST.index(one.state))
    first = items[0].row
    status = gravest.state
    if first.get("session_id") and status == "counts" and not _session_is_known(first, calls):
        status = "pending"
    told: dict[str, Any] = {"status": status}
    if gravest.reason:
        told |= {"reason": gravest.reason, "message": gravest.message}
    if len(items) > 1 or first["kind"] == "retraction" or first.get("session_id"):
        return told
    candidates = [_call(call) for call in items[0].fits]
    if len(candidates) == 1:
        return told | {"target": candidates[0]}
    return told | {"target": None, "candidates": candidates}


def _session_is_known(row: Row, calls: Sequence[Row]) -> bool:
    session = row["session_id"]
    mine = [call for call in calls if call.get("tenant") == row["tenant"]]
    return any(session in (call.get("session_id"), call.get("declared_session")) for call in mine)


def _history(first: Row, later: Sequence[Row]) -> dict[str, Any]:
    after = [
        {"feedback_id": row["feedback_id"], "kind": row["kind"], "given_ns": row["given_ns"]}
        for row in _after(first, later)
    ]
    return {"history": after} if after else {}


def _after(first: Row, later: Sequence[Row]) -> list[Row]:
    """What replaced it or took it back, oldest first; nobody but its own tenant can."""
    named = [row for row in later if row.get("supersedes") == first["feedback_id"] and row["tenant"] == first["tenant"]]
    return sorted(named, key=lambda row: row["given_ns"])


def _key(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in _KEY if row.get(name) is not None}


def _call(call: Row) -> dict[str, str]:
    return {"trace_id": call["trace_id"], "span_id": call["span_id"]}
