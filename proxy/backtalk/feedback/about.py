"""What a feedback is about: a call, a choice of it, a part of its text, a session or several calls.

In: fields of a body. Out: the models that every kind is built upon. The one rule: exactly one key says what is meant.
"""

from typing import Annotated, Any, Final, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from backtalk.feedback import fields

TARGETS: Final = ("trace_id", "request_id", "response_id", "traceparent", "session_id", "calls")
"""Fields of which exactly one says what a feedback is about."""
_CALL_TARGETS: Final = TARGETS[:4]


def _one_of(names: tuple[str, ...]) -> dict[str, Any]:
    return {"oneOf": [{"required": [name]} for name in names], "dependentRequired": {"span_id": ["trace_id"]}}


class CallTarget(fields.Part):
    """One of several calls, by exactly one key."""

    model_config = ConfigDict(json_schema_extra=_one_of(_CALL_TARGETS))

    trace_id: fields.TraceIdField | None = None
    span_id: fields.SpanIdField | None = None
    request_id: fields.RequestIdField | None = None
    response_id: fields.ResponseIdField | None = None
    traceparent: fields.TraceparentField | None = None
    choice: fields.Choice | None = None

    @model_validator(mode="after")
    def _names_one_call(self) -> Self:
        check_target(said(self), _CALL_TARGETS)
        return self


class TextSpan(fields.Part):
    """Characters of the answer's text, from `start` to before `end`."""

    start: Annotated[int, Field(ge=0, description="the first character, counted from 0")]
    end: Annotated[int, Field(ge=1, description="the character behind the last one")]

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if self.start >= self.end:
            raise wrong("start", "a span must start before it ends")
        return self


Calls = Annotated[list[CallTarget], Field(min_length=2, max_length=fields.MAX_CALLS)]
Range = Annotated[list[fields.Number], Field(min_length=2, max_length=2)]


class Spoken(fields.Part):
    """What every kind may hold besides what it is about."""

    comment: fields.Comment | None = None
    rater: fields.Rater | None = None
    at: fields.At | None = None
    supersedes: fields.FeedbackId | None = None
    id: Annotated[fields.Name, Field(description="your own id of it: a repeat counts once")] | None = None


class About(Spoken):
    """Feedback about a call, a choice of it, a part of its text, a session or several calls."""

    model_config = ConfigDict(json_schema_extra=_one_of(TARGETS))

    trace_id: fields.TraceIdField | None = None
    span_id: fields.SpanIdField | None = None
    request_id: fields.RequestIdField | None = None
    response_id: fields.ResponseIdField | None = None
    traceparent: fields.TraceparentField | None = None
    session_id: fields.SessionIdField | None = None
    calls: Annotated[Calls, Field(description="a list of 2 to 32 calls, each named by one key")] | None = None
    choice: fields.Choice | None = None
    span: Annotated[TextSpan, Field(description='an object like {"start": 0, "end": 12}')] | None = None

    @model_validator(mode="after")
    def _is_about_one_thing(self) -> Self:
        names = said(self)
        given = check_target(names, TARGETS)
        if given in ("session_id", "calls") and not names.isdisjoint(("choice", "span")):
            name = "choice" if "choice" in names else "span"
            raise wrong(name, f"{name} stands only beside the key of one call, not beside {given}")
        return self


def check_target(given: set[str], allowed: tuple[str, ...]) -> str:
    """The one field that says what it is about; raises where it is none or several."""
    named = [name for name in allowed if name in given]
    if len(named) != 1:
        problem = f"{' and '.join(named)} are given together" if named else "nothing says what this is about"
        raise wrong(named[1] if named else "trace_id", f"{problem}; give exactly one of {', '.join(allowed)}")
    if "span_id" in given and named != ["trace_id"]:
        raise wrong("span_id", "span_id stands only beside trace_id")
    return named[0]


def said(part: fields.Part) -> set[str]:
    """The fields that hold something: null is as good as absent."""
    return {name for name in part.model_fields_set if getattr(part, name) is not None}


def wrong(param: str, message: str) -> PydanticCustomError:
    """A refusal whose whole sentence is said here."""
    return PydanticCustomError("sentence", "{sentence}", {"sentence": message, "param": param})
