"""OpenTelemetry's evaluation results (log records with the event name `gen_ai.evaluation.result`), read.

In: an OTLP/JSON document (opentelemetry-proto, `ExportLogsServiceRequest`; ids are hex there). Out: an `Evaluation` or
an error for each log record, in order. The one rule: a record that is something else is refused by itself, and never
fails the others.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from backtalk.errors import RequestError
from backtalk.feedback.evaluations import Evaluation
from backtalk.feedback.strict_json import shown

EVENT: Final = "gen_ai.evaluation.result"
_NAME: Final = "gen_ai.evaluation.name"
_SCORE: Final = "gen_ai.evaluation.score.value"
_LABEL: Final = "gen_ai.evaluation.score.label"
_EXPLANATION: Final = "gen_ai.evaluation.explanation"
_RESPONSE: Final = "gen_ai.response.id"
_NS_PER_S: Final = 1e9


def evaluations(document: Mapping[str, Any], *, most: int) -> list[Evaluation | RequestError]:
    """What each log record says; raises `RequestError` where the document is none, or holds too many."""
    if not isinstance(document.get("resourceLogs", []), list):
        raise _wrong("resourceLogs", "resourceLogs must be a list, as in OTLP's ExportLogsServiceRequest")
    records = list(_records(document))
    if len(records) > most:
        raise _wrong("resourceLogs", f"at most {most} log records are taken at once, not {len(records)}")
    return [_evaluation(record) for record in records]


def _records(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for resource in _objects(document, "resourceLogs"):
        for scope in _objects(resource, "scopeLogs"):
            yield from _objects(scope, "logRecords")


def _evaluation(record: Mapping[str, Any]) -> Evaluation | RequestError:
    said = {str(one.get("key")): one.get("value") for one in _objects(record, "attributes")}
    event = record.get("eventName") or _text(said.get("event.name"))
    if event != EVENT:
        return _wrong("eventName", f"only {EVENT} is taken here, not {shown(str(event or ''))}; logs go to a collector")
    name = _text(said.get(_NAME))
    if not name:
        return _wrong(_NAME, f"{_NAME} is missing", code="missing_field")
    target = _target(record, _text(said.get(_RESPONSE)))
    if target is None:
        message = f"the record names no call: send it in the trace and span of the call, or with {_RESPONSE}"
        return _wrong("traceId", message, code="missing_field")
    score = _number(said.get(_SCORE))
    label, explanation = _text(said.get(_LABEL)) or None, _text(said.get(_EXPLANATION)) or None
    if score is not None and not math.isfinite(score):
        return _wrong(_SCORE, f"{_SCORE} must be a finite number")
    return Evaluation(name, target, score, label, explanation, _seconds(record))


def _target(record: Mapping[str, Any], response_id: str) -> dict[str, str] | None:
    trace_id, span_id = str(record.get("traceId") or "").lower(), str(record.get("spanId") or "").lower()
    if trace_id:
        return {"trace_id": trace_id} | ({"span_id": span_id} if span_id else {})
    return {"response_id": response_id} if response_id else None


def _seconds(record: Mapping[str, Any]) -> float | None:
    """When it was seen; OTLP/JSON has 64-bit integers as texts."""
    for name in ("timeUnixNano", "observedTimeUnixNano"):
        text = str(record.get(name) or "")
        if text.isascii() and text.isdigit() and int(text[:20]) > 0:
            return int(text[:20]) / _NS_PER_S
    return None


def _text(value: object) -> str:
    text = _member(value, "stringValue")
    return text if isinstance(text, str) else ""


def _number(value: object) -> float | None:
    for name in ("doubleValue", "intValue"):
        number = _member(value, name)
        if isinstance(number, str):
            try:
                return float(number)
            except ValueError:
                return math.nan
        if isinstance(number, int | float) and not isinstance(number, bool):
            return float(number)
    return None


def _member(value: object, name: str) -> object:
    return cast("dict[str, object]", value).get(name) if isinstance(value, dict) else None


def _objects(holder: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = holder.get(name)
    listed = cast("list[object]", found) if isinstance(found, list) else []
    return [cast("dict[str, Any]", one) for one in listed if isinstance(one, dict)]


def _wrong(param: str, message: str, *, code: str = "invalid_field") -> RequestError:
    return RequestError(message, code=code, param=param)
