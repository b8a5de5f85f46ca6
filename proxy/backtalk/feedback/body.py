"""The body of POST /v1/feedback: from bytes to a `FeedbackBody`, or one sentence about the first thing that is wrong.

In: raw bytes and the Idempotency-Key header. Out: `Given`. The one rule: strict; an unknown field, a second target or
a value of another kind is refused by name with what is allowed, and nothing is guessed.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, NoReturn, cast, get_args

from backtalk.errors import RequestError
from backtalk.feedback.correction import correction
from backtalk.feedback.strict_json import kind_of, read_object, shown
from backtalk.model.facts import FeedbackKind
from backtalk.model.feedback import FeedbackBody
from backtalk.model.ids import parse_request_id, parse_span_id, parse_trace_id, parse_traceparent

KINDS: Final[tuple[FeedbackKind, ...]] = get_args(FeedbackKind)
TARGETS: Final = ("trace_id", "request_id", "response_id", "traceparent", "session_id")
FIELDS: Final = ("kind", "value", *TARGETS, "span_id", "comment", "metric", "rater", "id")
MAX_NAME_CHARS: Final = 256
_LONGEST_FIELD: Final = 32
MAX_COMMENT_CHARS: Final = 65_536
_METRIC: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,63}", re.ASCII)
_KEY: Final = re.compile(r"[\x21-\x7e]{1,256}", re.ASCII)

_FORMS: Final[Mapping[str, tuple[Callable[[str], object], str]]] = {
    "trace_id": (parse_trace_id, "32 lower-case hex digits, as in the x-trace-id header"),
    "span_id": (parse_span_id, "16 lower-case hex digits, the second part of x-request-id"),
    "request_id": (parse_request_id, "the x-request-id header of the answer: {trace_id}-{span_id}"),
    "traceparent": (parse_traceparent, "a W3C traceparent: 00-{trace_id}-{span_id}-{flags}"),
}


class Given(NamedTuple):
    """A checked feedback and the key under which the client may send it again, if it gave one."""

    body: FeedbackBody
    idempotency_key: str | None


def parse(raw: bytes, *, idempotency_key: str | None = None) -> Given:
    """Check a body; raises `RequestError` that names the field and says what is allowed."""
    fields = {name: value for name, value in read_object(raw).items() if value is not None or name == "value"}
    unknown = next((name for name in fields if name not in FIELDS), None)
    if unknown is not None:
        _wrong(unknown, f"unknown field {shown(unknown)}{_nearest(unknown)}", code="unknown_field")
    kind = _kind(fields)
    body = FeedbackBody(
        kind=kind,
        value=_value(kind, fields),
        **_target(fields),
        comment=_text("comment", fields, MAX_COMMENT_CHARS),
        metric=_metric(fields),
        rater=_name("rater", fields),
    )
    return Given(body, _key(_name("id", fields), idempotency_key))


def _kind(fields: Mapping[str, Any]) -> FeedbackKind:
    kind = fields.get("kind")
    if kind not in KINDS:
        problem = "kind is missing" if kind is None else f"kind {shown(str(kind))} is not known"
        _wrong("kind", f"{problem}; allowed are {', '.join(KINDS)}", code="missing_field" if kind is None else None)
    known: FeedbackKind = kind
    return known


def _value(kind: FeedbackKind, fields: Mapping[str, Any]) -> Any:
    if "value" not in fields:
        _wrong("value", f"value is missing; a {kind} takes {_ALLOWED[kind]}", code="missing_field")
    value = fields["value"]
    if kind == "correction" and isinstance(value, dict | str):
        return correction(cast("str | dict[str, Any]", value))
    fits = {
        "rating": isinstance(value, bool),
        "score": isinstance(value, int | float) and not isinstance(value, bool),
        "comment": isinstance(value, str) and bool(value.strip()),
        "correction": False,
    }
    if not fits[kind]:
        what = "an empty text" if isinstance(value, str) and not value.strip() else kind_of(value)
        _wrong("value", f"the value of a {kind} must be {_ALLOWED[kind]}, not {what}")
    if isinstance(value, str) and len(value) > MAX_COMMENT_CHARS:
        _wrong("value", f"the comment is longer than {MAX_COMMENT_CHARS} characters")
    return float(value) if kind == "score" else value


_ALLOWED: Final[Mapping[FeedbackKind, str]] = {
    "rating": "true (thumb up) or false (thumb down)",
    "score": "a finite number",
    "comment": "a text",
    "correction": "a text or an assistant message",
}


def _target(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The one target, checked, with its span where there is one."""
    given = [name for name in TARGETS if name in fields]
    if len(given) != 1:
        problem = f"{' and '.join(given)} are given together" if given else "nothing says what this is about"
        _wrong(given[1] if given else "trace_id", f"{problem}; give exactly one of {', '.join(TARGETS)}")
    if "span_id" in fields and given != ["trace_id"]:
        _wrong("span_id", "span_id stands only beside trace_id")
    names = [*given, "span_id"] if "span_id" in fields else given
    return {name: _formed(name, fields) for name in names}


def _formed(name: str, fields: Mapping[str, Any]) -> str:
    text = _name(name, fields) or ""
    if name in _FORMS:
        read, form = _FORMS[name]
        if read(text) is None:
            _wrong(name, f"{name} {shown(text)} must be {form}")
    return text


def _name(name: str, fields: Mapping[str, Any]) -> str | None:
    text = _text(name, fields, MAX_NAME_CHARS)
    if text is not None and (not text.isprintable() or text != text.strip()):
        _wrong(name, f"{name} must be printable, without spaces around it")
    return text


def _metric(fields: Mapping[str, Any]) -> str | None:
    metric = _name("metric", fields)
    if metric is not None and not _METRIC.fullmatch(metric):
        _wrong(
            "metric", f"metric {shown(metric)} must start with a letter; then letters, digits and _ . : - (up to 64)"
        )
    return metric


def _text(name: str, fields: Mapping[str, Any], limit: int) -> str | None:
    text = fields.get(name)
    if text is None:
        return None
    if not isinstance(text, str):
        _wrong(name, f"{name} must be a string, not {kind_of(text)}")
    if not text.strip() or len(text) > limit:
        _wrong(name, f"{name} must have 1 to {limit} characters; this one has {len(text)}")
    return text


def _key(in_body: str | None, in_header: str | None) -> str | None:
    if in_header is not None and not _KEY.fullmatch(in_header):
        _wrong("Idempotency-Key", "the Idempotency-Key header must have 1 to 256 visible ASCII characters")
    if in_body and in_header and in_body != in_header:
        _wrong("id", "id and the Idempotency-Key header differ; send one of them, or the same in both")
    return in_header or in_body


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name[:_LONGEST_FIELD], FIELDS, n=1)  # its cost grows with the name's length
    return f" (did you mean {close[0]}?)" if close else f"; known are {', '.join(FIELDS)}"


def _wrong(param: str, message: str, *, code: str | None = None) -> NoReturn:
    raise RequestError(message, code=code or "invalid_field", param=param[:MAX_NAME_CHARS])
