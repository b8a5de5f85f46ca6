"""Feedback as documents: what was said, of what, by whom, and whether it counts.

In: standings (`ledger.standing`), and the messages of the call. Out: JSON-ready documents; a correction comes with what
it changed.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from backtalk.ledger.schema import Row
from backtalk.ledger.standing import Standing
from backtalk.text.edits import edited

_SAID: Final = (
    "feedback_id", "kind", "given_ns", "metric", "comment", "rater", "source", "channel", "key_id", "at_ns",
    "supersedes", "choice", "span_start", "span_end", "range_low", "range_high", "level", "direction", "distance",
    "duration_s", "rubric", "item", "rank", "shown", "erased_ns", "committed",
)  # fmt: skip
_KEY: Final = ("trace_id", "span_id", "response_id", "parent_span_id", "session_id")


def feedback_document(standing: Standing, messages: Mapping[str, Row] | None = None) -> dict[str, Any]:
    """One feedback; `status` says whether it counts, `reason` and `message` why it was rejected."""
    row = standing.row
    why = {"reason": standing.reason, "message": standing.message} if standing.reason else {}
    return {
        **{name: row[name] for name in _SAID if row.get(name) not in (None, "")},
        "value": json.loads(row.get("value_json") or "null"),
        "key": {name: row[name] for name in _KEY if row.get(name) is not None},
        "status": standing.state,
        **why,
        **changes(standing, messages or {}),
        **drawn(standing),
    }


def changes(standing: Standing, messages: Mapping[str, Row]) -> dict[str, Any]:
    """What a correction made of the answer as `edited`, where both are texts that are kept; else nothing."""
    row = standing.row
    if row["kind"] != "correction" or len(standing.fits) != 1 or row.get("value_json") is None:
        return {}
    answers = standing.fits[0].get("answer_ids") or ()
    choice = int(row.get("choice") or 0)
    before = _text(messages.get(answers[choice])) if choice < len(answers) else None
    said = json.loads(row["value_json"])
    after = said if isinstance(said, str) else said.get("content")
    if not before or not isinstance(after, str):
        return {}
    found = edited(before, after)
    return {"edited": found._asdict() | {"changes": [change._asdict() for change in found.changes]}}


def drawn(standing: Standing) -> dict[str, float]:
    """The chance of a label's answer to be drawn for reviewers as `audit_prob`, where its call is known and had one."""
    if standing.row["kind"] != "label" or len(standing.fits) != 1:
        return {}
    chance = standing.fits[0].get("audit_prob")
    return {} if chance is None else {"audit_prob": chance}


def _text(row: Row | None) -> str | None:
    return None if row is None or not row.get("json") else str(json.loads(row["json"]).get("text") or "")
