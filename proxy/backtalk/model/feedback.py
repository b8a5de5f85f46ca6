"""What was said of calls and sessions, as the door accepted it and the spool keeps it.

In: a checked body. Out: canonical JSON (sorted keys, absent fields left out), so that the same words have the same
sha256. `feedback.body` checks; nothing else makes a `FeedbackBody` from outside. Fields are only ever added, each with
a default: what lies in a spool stays readable.
"""

import hashlib
from typing import Any, Final, Literal

import msgspec

from backtalk.model.ids import SpanId, TraceId
from backtalk.settings.metrics import Level

FeedbackKind = Literal[
    "rating", "score", "comment", "correction", "ranking", "survey", "outcome", "event", "label", "retraction"
]
"""What a person or a system said. A `retraction` is sent as DELETE: it takes another feedback back."""

FeedbackChannel = Literal["api", "token", "link", "otlp", "phoenix", "import"]
"""The way in: an app's server, a page with a browser token, a link, OpenTelemetry, annotations in Phoenix's shape, or a
file of late outcomes."""

EventName = Literal[
    "copied", "inserted", "accepted", "edited", "shared", "stopped", "dwell", "scrolled_away", "undone"
]  # fmt: skip
"""What a person did with an answer, seen by the app."""

SurveyState = Literal["shown", "answered", "declined"]
"""How far a survey got; one that was shown and nothing else is no refusal."""


class Target(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One of several calls that a feedback is about: exactly one key, and the choice where the call had several."""

    trace_id: str | None = None
    span_id: str | None = None
    """Only beside `trace_id`."""
    request_id: str | None = None
    response_id: str | None = None
    traceparent: str | None = None
    choice: int | None = None


class TextSpan(msgspec.Struct, frozen=True):
    """A part of an answer's text: the characters from `start` to before `end`."""

    start: int
    end: int


class FeedbackBody(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A checked feedback: what was said, and exactly one of the fields that name what it is about.

    `value` is a boolean (rating), a finite number (score), a text (comment), a text or an assistant message
    (correction), the name of what was done (event), or a boolean, a number, a category or null for what could not be
    told (outcome, label). A ranking has `order` and a survey `answers` in its place.
    """

    kind: FeedbackKind
    value: Any = None
    trace_id: str | None = None
    span_id: str | None = None
    """Only beside `trace_id`."""
    request_id: str | None = None
    response_id: str | None = None
    traceparent: str | None = None
    session_id: str | None = None
    calls: tuple[Target, ...] = ()
    """Several calls; those of a ranking are in `order`."""
    choice: int | None = None
    span: TextSpan | None = None
    comment: str | None = None
    metric: str | None = None
    rater: str | None = None
    """A pseudonym (`feedback.raters`) once it is in the spool."""
    at_ns: int | None = None
    supersedes: str | None = None
    range: tuple[float, float] | None = None
    order: tuple[tuple[Target, ...], ...] = ()
    """Best first; those in one group are as good as each other."""
    shown: tuple[Target, ...] = ()
    """In the order in which the person saw them."""
    answers: dict[str, str | float | bool | None] | None = None
    state: SurveyState | None = None
    distance: float | None = None
    """How far what was kept is from the answer: 0 the same, 1 nothing of it."""
    duration_s: float | None = None
    level: Level | None = None
    rubric: str | None = None


class CallNamed(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of several calls that a feedback is about, by the key that was given; ranks and positions count from 0."""

    trace_id: TraceId | None = None
    span_id: SpanId | None = None
    response_id: str | None = None
    parent_span_id: SpanId | None = None
    choice: int | None = None
    rank: int | None = None
    """Its place in a ranking; equal ranks are ties."""
    shown: int | None = None
    """Where the person saw it among the others."""


_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decoder: Final[msgspec.json.Decoder[FeedbackBody]] = msgspec.json.Decoder(FeedbackBody)


def canonical(body: FeedbackBody) -> bytes:
    """The body's canonical JSON."""
    return _encode(body)


def sha256_of(canonical_body: bytes) -> str:
    """By which a repeat is told from another feedback under the same key."""
    return hashlib.sha256(canonical_body).hexdigest()


def read(canonical_body: bytes) -> FeedbackBody:
    """Read a body that `canonical` wrote; raises `msgspec.MsgspecError` for anything else."""
    return _decoder.decode(canonical_body)


def value_json(body: FeedbackBody) -> str:
    """The value's canonical JSON; of a ranking its order, of a survey its state and answers."""
    if body.kind == "ranking":
        return _encode({"order": body.order, "shown": body.shown}).decode()
    if body.kind == "survey":
        return _encode({"state": body.state, "answers": body.answers or {}}).decode()
    return _encode(body.value).decode()
