"""Why a row is in a dataset: the calls, the signals, the feedback and who gave it.

In: a row of a manifest and the ledger as it is now. Out: a JSON-ready document. The one rule: the manifest says what
made the row, the ledger what is still known of it; what is gone, or counts no longer, is named as that.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from backtalk.ledger.effective import effective
from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.schema import Row
from backtalk.ledger.standing import Standing
from backtalk.lineage.manifests import ManifestRow
from backtalk.model.ids import CallKey, SpanId, TraceId

_CALL: Final = ("trace_id", "span_id", "tenant", "session_id", "opened_ns", "api", "model", "model_served", "outcome")
_SIGNAL: Final = ("signal_id", "kind", "probability", "found_ns", "detector", "detector_version", "provenance")
_SAID: Final = ("feedback_id", "kind", "given_ns", "metric", "comment", "rater", "source", "channel", "key_id")


def why(reader: LedgerReader, row: ManifestRow) -> dict[str, Any]:
    """The row with its calls, and the facts under the call that they are about."""
    keys = [CallKey(TraceId(call.trace_id), SpanId(call.span_id)) for call in row.calls]
    calls = reader.calls_of(keys)
    messages = reader.messages(_message_ids(calls.values()))
    said = effective(reader, reader.feedback_by("feedback_id", row.feedback_ids))
    noticed = reader.signals_by_id(row.signal_ids)
    seen = {one.row["feedback_id"] for one in said} | {one["signal_id"] for one in noticed}
    about: dict[CallKey, dict[str, Any]] = {
        key: _call(key, calls.get(key), messages) | {"signals": [], "feedback": []} for key in keys
    }
    apart: list[dict[str, Any]] = []
    for signal in noticed:
        place = about.get(CallKey(signal["trace_id"], signal["span_id"]))
        (apart if place is None else place["signals"]).append(_signal(signal))
    for one in said:
        place = about.get(CallKey(*_fit(one))) if one.fits else None
        (apart if place is None else place["feedback"]).append(_feedback(one))
    return {
        "row": {"row": row.row, "sha256": row.sha256, "split": row.split},
        "calls": list(about.values()),
        "of_no_call": apart,
        "not_found": sorted(row.facts - seen),
    }


def _call(key: CallKey, row: Row | None, messages: Mapping[str, Row]) -> dict[str, Any]:
    if row is None:
        return {"trace_id": key.trace_id, "span_id": key.span_id, "known": False}
    return {
        **{name: row[name] for name in _CALL if row.get(name) is not None},
        "known": True,
        "erased": row.get("erased_ns") is not None,
        "asked": _texts(row["message_ids"], messages),
        "answers": _texts(row["answer_ids"], messages),
    }


def _texts(ids: Sequence[str] | None, messages: Mapping[str, Row]) -> list[dict[str, Any]]:
    """Each message's role, and its text where it was captured and is still kept."""
    rows = [messages.get(name) for name in ids or ()]
    return [{"role": row["role"] if row else None, "text": _text(row)} for row in rows]


def _text(row: Row | None) -> str | None:
    return str(json.loads(row["json"]).get("text") or "") if row and row.get("json") else None


def _signal(row: Row) -> dict[str, Any]:
    shown_by = {"trace_id": row["shown_by_trace_id"], "span_id": row["shown_by_span_id"]}
    return {name: row[name] for name in _SIGNAL if row.get(name) is not None} | {"shown_by": shown_by}


def _feedback(one: Standing) -> dict[str, Any]:
    said = {name: one.row[name] for name in _SAID if one.row.get(name) not in (None, "")}
    return said | {"value": json.loads(one.row.get("value_json") or "null"), "state": one.state}


def _fit(one: Standing) -> tuple[TraceId, SpanId]:
    return TraceId(one.fits[0]["trace_id"]), SpanId(one.fits[0]["span_id"])


def _message_ids(calls: Iterable[Row]) -> set[str]:
    return {name for call in calls for name in (*(call["message_ids"] or ()), *(call["answer_ids"] or ()))}
