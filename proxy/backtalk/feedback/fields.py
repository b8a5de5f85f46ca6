"""The fields of a feedback: what each may hold, as one type that checks it, describes it and tells what is allowed.

A description completes the sentence "<field> must be ...": it stands in the JSON Schema and in refusals alike, so that
the two cannot part. Everything is strict: a number is no text, and true is no number.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt
from pydantic_core import PydanticCustomError

from backtalk.clock import NS_PER_S
from backtalk.model.ids import parse_request_id, parse_span_id, parse_trace_id, parse_traceparent
from backtalk.settings.metrics import METRIC_FORM

MAX_NAME_CHARS: Final = 256
MAX_COMMENT_CHARS: Final = 65_536
MAX_CALLS: Final = 32
"""Most calls that one feedback is about."""
MAX_QUESTIONS: Final = 64
_LAST_NS: Final = 1 << 62
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Part(BaseModel):
    """A part of a feedback: strict, frozen and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)


def _plain(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise PydanticCustomError("plain", "is not plain")
    return text


def _said(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("empty", "is an empty text")
    return text


def _read_by(read: Callable[[str], object]) -> AfterValidator:
    def check(text: str) -> str:
        if read(text) is None:
            raise PydanticCustomError("form", "has another form")
        return text

    return AfterValidator(check)


def _instant(given: object) -> object:
    """RFC 3339 or seconds as nanoseconds; what is neither is left for the type to refuse."""
    if isinstance(given, str):
        try:
            when = datetime.fromisoformat(given)
        except ValueError:
            when = None
        if when is None or when.tzinfo is None:
            raise PydanticCustomError("form", "has another form")
        return (when - _EPOCH) // timedelta(microseconds=1) * 1_000
    if isinstance(given, bool) or not isinstance(given, int | float):
        return given
    if not 0 <= given <= _LAST_NS / NS_PER_S:
        raise PydanticCustomError("instant", "is no instant")
    return round(given * NS_PER_S)


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARS), AfterValidator(_plain)]
Text = Annotated[str, Field(min_length=1, max_length=MAX_COMMENT_CHARS), AfterValidator(_said)]
Number = Annotated[float, Field(allow_inf_nan=False)]
TraceIdField = Annotated[
    str,
    Field(pattern=r"^[0-9a-f]{32}$", description="32 lower-case hex digits, as in the x-trace-id header"),
    _read_by(parse_trace_id),
]
SpanIdField = Annotated[
    str,
    Field(pattern=r"^[0-9a-f]{16}$", description="16 lower-case hex digits, the second part of x-request-id"),
    _read_by(parse_span_id),
]
RequestIdField = Annotated[
    Name,
    Field(description="the x-request-id header of the answer: {trace_id}-{span_id}"),
    _read_by(parse_request_id),
]
ResponseIdField = Annotated[Name, Field(description="the id in the response's own body")]
TraceparentField = Annotated[
    Name,
    Field(description="a W3C traceparent: 00-{trace_id}-{span_id}-{flags}"),
    _read_by(parse_traceparent),
]
SessionIdField = Annotated[Name, Field(description="the session's id, yours or the one in x-backtalk-session-id")]
Metric = Annotated[
    str,
    Field(
        pattern=METRIC_FORM, description="a name that starts with a letter; then letters, digits and _ . : - (up to 64)"
    ),
]
Rater = Annotated[Name, Field(description="a name of 1 to 256 characters")]
Comment = Annotated[Text, Field(description=f"a text of 1 to {MAX_COMMENT_CHARS} characters")]
FeedbackId = Annotated[
    str, Field(pattern=r"^[0-9a-f]{32}$", description="the feedback_id that an earlier feedback was answered with")
]
Choice = Annotated[StrictInt, Field(ge=0, le=127, description="the index of one of the answers of a call with n > 1")]
At = Annotated[
    StrictInt,
    BeforeValidator(_instant, json_schema_input_type=str | float),
    Field(
        ge=0,
        le=_LAST_NS,
        description="the time at which it became true or was seen: RFC 3339 with an offset, or unix seconds",
    ),
]
JUDGED: Final = "true, false, a finite number, a category (1 to 256 characters), or null (not known)"
Judged = StrictBool | Number | Name | None
"""A value of any metric; null says that it was looked at and could not be told, and counts as nothing."""
Share = Annotated[float, Field(ge=0, le=1)]
Duration = Annotated[float, Field(ge=0, le=31_536_000)]
