"""Trace documents: pure joins of calls, links, signals and feedback.

In: rows as the ledger has them, each with `committed`. Out: JSON-ready documents. The one rule: a key that fits several
calls is ambiguous: it is listed with its candidates, and belongs to none of them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from backtalk.ledger.schema import Row
from backtalk.ledger.standing import Standing, standings
from backtalk.ledger.targets import targets
from backtalk.web.feedback_document import feedback_document

_HIDDEN: Final = frozenset(("dt", "message_ids", "answer_ids", "tools_id", "params_json", "attempts_json"))


def trace_document(
    trace_id: str,
    *,
    calls: Sequence[Row],
    signals: Sequence[Row],
    feedback: Sequence[Row],
    messages: Mapping[str, Row],
    siblings: Sequence[Row] = (),
) -> dict[str, Any]:
    """Everything known of one trace, the same in whatever order its rows were read: all lists are by time.

    `siblings` are calls of other traces that a feedback's key may also fit.

    What another tenant said of a trace that is not its own is counted, and not shown.
    """
    tenants = {call["tenant"] for call in calls}
    calls, signals = _by_time(calls, "opened_ns", "span_id"), _by_time(signals, "found_ns", "signal_id", "kind")
    own = [row for row in feedback if not tenants or row["tenant"] in tenants]
    own = _by_time(own, "given_ns", "feedback_id", "item")
    every_call = [*calls, *_by_time(siblings, "opened_ns", "trace_id", "span_id")]
    said = standings([(row, targets(row, every_call)) for row in own], messages, every_call)
    return {
        "trace_id": trace_id,
        "calls": [call_document(call, signals, said, messages) for call in calls],
        "ambiguous_feedback": [
            feedback_document(one) | {"candidates": [_key(call) for call in one.fits]}
            for one in said
            if len(one.fits) > 1
        ],
        "pending_feedback": [feedback_document(one) for one in said if not one.fits and not one.row.get("session_id")],
        "foreign_feedback_count": len(feedback) - len(own),
        "session_feedback": [feedback_document(one) for one in said if one.row.get("session_id")],
    }


def _by_time(rows: Sequence[Row], *columns: str) -> list[Row]:
    return sorted(rows, key=lambda row: [(row.get(name) is not None, row.get(name)) for name in columns])


def call_document(
    call: Row,
    signals: Sequence[Row],
    said: Sequence[Standing],
    messages: Mapping[str, Row],
) -> dict[str, Any]:
    """One call with its session, the signals about it, what it showed about others, and its feedback.

    An erased call shows no words, not even those that another call has too and that are therefore still kept.
    """
    messages = {} if call.get("erased_ns") else messages
    about = [row for row in signals if _about(row) == _own(call)]
    shows = [row for row in signals if _shown_by(row) == _own(call) and row["fact"] != "link"]
    links = [row for row in about if row["fact"] == "link"]
    return {
        **{name: value for name, value in call.items() if name not in _HIDDEN and value is not None},
        "attempts": json.loads(call.get("attempts_json") or "[]"),
        "session": _link(links[-1]) if links else None,
        "request": _request(call, messages),
        "answers": [_message(messages.get(name)) for name in call.get("answer_ids") or ()],
        "signals": [_signal(row) for row in about if row["fact"] == "signal"],
        "related": [_signal(row) for row in about if row["fact"] == "relation"],
        "shows": [_signal(row) for row in shows],
        "feedback": [
            feedback_document(one, messages) for one in said if len(one.fits) == 1 and _own(one.fits[0]) == _own(call)
        ],
    }


def _request(call: Row, messages: Mapping[str, Row]) -> dict[str, Any]:
    return {
        "messages": [_message(messages.get(name)) for name in call.get("message_ids") or ()],
        "params": json.loads(call.get("params_json") or "null"),
        "tools": _tools(messages.get(call.get("tools_id") or "")),
    }


def _tools(row: Row | None) -> object:
    if row is None or not row.get("json"):
        return None
    return json.loads(json.loads(row["json"])["text"])


def _message(row: Row | None) -> dict[str, Any]:
    if row is None or not row.get("json"):
        return {"role": row["role"] if row else None, "text": None, "char_count": row["char_count"] if row else None}
    document: dict[str, Any] = json.loads(row["json"])
    return document


def _link(row: Row) -> dict[str, Any]:
    evidence = json.loads(row["evidence_json"])
    return {
        "session_id": row["session_id"],
        "rule": row["kind"],
        "confidence": row["probability"],
        "parent": evidence.pop("parent", None),
        "sibling": evidence.pop("sibling", None),
        "evidence": evidence,
        "committed": row["committed"],
    }


def _signal(row: Row) -> dict[str, Any]:
    said = ("signal_id", "kind", "probability", "polarity", "provenance", "found_ns")
    columns = (*said, "detector", "detector_version", "replay", "committed")
    return {
        **{name: row[name] for name in columns if row.get(name) is not None},
        "about": {"trace_id": row["trace_id"], "span_id": row["span_id"]},
        "shown_by": {"trace_id": row["shown_by_trace_id"], "span_id": row["shown_by_span_id"]},
        "evidence": json.loads(row.get("evidence_json") or "{}"),
    }


def _key(call: Row) -> dict[str, str]:
    return {"trace_id": call["trace_id"], "span_id": call["span_id"]}


def _own(call: Row) -> tuple[str, str]:
    return call["trace_id"], call["span_id"]


def _about(row: Row) -> tuple[str, str]:
    return row["trace_id"], row["span_id"]


def _shown_by(row: Row) -> tuple[str | None, str | None]:
    return row.get("shown_by_trace_id"), row.get("shown_by_span_id")


def unique(rows: Iterable[Row], *columns: str) -> list[Row]:
    """The first row of each key: what is fresh and committed at once counts once."""
    seen: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        seen.setdefault(tuple(row.get(column) for column in columns), row)
    return list(seen.values())
