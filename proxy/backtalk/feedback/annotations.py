"""Annotations in the shape of Arize Phoenix (OpenInference): `{"data": [{"span_id", "name", "result": {...}}]}`.

In: a JSON document. Out: an `Evaluation` or an error for each annotation, in order. A span's id alone names no call
here: it comes with its trace, in `metadata.trace_id` or as a whole request id. Who annotated is told by the credential;
`annotator_kind` is checked by nobody and so changes nothing.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, cast

from backtalk.errors import RequestError
from backtalk.feedback.evaluations import Evaluation
from backtalk.feedback.strict_json import kind_of
from backtalk.model.ids import parse_request_id

Unit = Literal["span", "trace"]
"""What is annotated."""
_TEXTS: Final = ("label", "explanation")


def annotations(document: Mapping[str, Any], unit: Unit, *, most: int) -> list[Evaluation | RequestError]:
    """What each annotation says; raises `RequestError` where the document is none, or holds too many."""
    data = document.get("data")
    if not isinstance(data, list):
        raise _wrong("data", f"data must be a list of annotations, not {kind_of(data)}")
    listed = cast("list[object]", data)
    if len(listed) > most:
        raise _wrong("data", f"at most {most} annotations are taken at once, not {len(listed)}")
    return [_annotation(one, unit) for one in listed]


def _annotation(value: object, unit: Unit) -> Evaluation | RequestError:
    if not isinstance(value, dict):
        return _wrong("data", f"an annotation must be an object, not {kind_of(value)}")
    said = cast("dict[str, Any]", value)
    name, result = said.get("name"), said.get("result")
    if not isinstance(name, str) or not name.strip():
        return _wrong("name", "an annotation has a name, which becomes the metric", code="missing_field")
    fields = cast("dict[str, Any]", result) if isinstance(result, dict) else {}
    score = fields.get("score")
    if score is not None and (isinstance(score, bool) or not isinstance(score, int | float)):
        return _wrong("result.score", f"score must be a number, not {kind_of(score)}")
    for text in _TEXTS:
        if fields.get(text) is not None and not isinstance(fields[text], str):
            return _wrong(f"result.{text}", f"{text} must be a string, not {kind_of(fields[text])}")
    target = _trace(said) if unit == "trace" else _span(said)
    if isinstance(target, RequestError):
        return target
    number = None if score is None else float(score)
    return Evaluation(name, target, number, fields.get("label") or None, fields.get("explanation") or None)


def _trace(said: Mapping[str, Any]) -> dict[str, str] | RequestError:
    trace_id = said.get("trace_id")
    if not isinstance(trace_id, str):
        return _wrong("trace_id", "trace_id is missing", code="missing_field")
    return {"trace_id": trace_id.lower()}


def _span(said: Mapping[str, Any]) -> dict[str, str] | RequestError:
    span_id, metadata = said.get("span_id"), said.get("metadata")
    if isinstance(span_id, str) and parse_request_id(span_id.lower()):
        return {"request_id": span_id.lower()}
    trace_id = cast("dict[str, Any]", metadata).get("trace_id") if isinstance(metadata, dict) else None
    if not isinstance(span_id, str) or not isinstance(trace_id, str):
        message = "send the call's x-request-id as span_id, or its span_id with metadata.trace_id beside it"
        return _wrong("span_id", message, code="missing_field")
    return {"trace_id": trace_id.lower(), "span_id": span_id.lower()}


def _wrong(param: str, message: str, *, code: str = "invalid_field") -> RequestError:
    return RequestError(message, code=code, param=param)
