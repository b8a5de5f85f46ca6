"""Facts: what the worker decided, once. They are what journal, ledger, exporters and console are made of.

A fact is immutable and named in the past tense. Times are wall-clock nanoseconds since 1970 unless the name says
otherwise. A later fact may supersede an earlier one; none is ever changed.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from backtalk.model.chat import Api, Request, Response
from backtalk.model.erased import Erased
from backtalk.model.feedback import CallNamed, FeedbackChannel, FeedbackKind, TextSpan
from backtalk.model.frames import Ask, Attempt, CacheResult, Capture, Outcome
from backtalk.model.ids import CallKey, SpanId, TraceId
from backtalk.settings.metrics import Direction, FeedbackSource, Level

Scalar = str | int | float | bool | None
"""A value of an evidence entry."""

LinkRule = Literal[
    "explicit_session", "next_turn", "tool_step", "rewritten_prefix", "branch", "repeat", "assistant_edited",
    "first_turn_repeat", "first_turn_edit", "automatic_retry", "duplicate", "auxiliary", "new", "no_state",
    "not_chat",
]  # fmt: skip
"""Which rule put a call into its session (`session.decide` says what each means)."""

SignalKind = Literal[
    "regeneration", "reformulation", "assistant_edit", "stop", "correction", "acceptance", "clarification",
    "escalation", "language_switch", "topic_change", "model_switch", "resumption", "refusal", "apology_loop",
    "empty_answer", "exhaustion", "invalid_tool_arguments", "tool_schema_violation", "tool_error_repeated",
    "tool_loop", "parameter_drift", "invalid_structured_output",
]  # fmt: skip
"""The signals of the built-in detectors; a plugin may use any other lower-case name."""

Polarity = Literal["negative", "positive", "neutral"]
"""What a signal says of the answer; neutral where it only marks what happened."""

Provenance = Literal["structural", "lexical", "embedding", "llm"]
"""What a signal stands on: the shape of the traffic, words, vectors, or a model's verdict."""

RelationKind = Literal["automatic_retry", "duplicate", "retrieval"]
"""Facts about two calls that say nothing of an answer's quality."""


class CallOpened(msgspec.Struct, frozen=True, tag="call_opened", omit_defaults=True):
    """A call arrived. Its request is in `CallClosed`, or in `request` while detectors look at it."""

    trace_id: TraceId
    span_id: SpanId
    server_span_id: SpanId
    parent_span_id: SpanId | None
    opened_ns: int
    boot_ns: int
    tenant: str
    method: str
    path: str
    api: Api
    request: Request
    client_hash: str = ""
    user_agent: str = ""
    retry_count: int = 0
    late: bool = False

    @property
    def key(self) -> CallKey:
        """The call's key."""
        return CallKey(self.trace_id, self.span_id)


class SessionLinked(msgspec.Struct, frozen=True, tag="session_linked", omit_defaults=True):
    """A call was put into its session: under `parent`, beside `sibling` (the earlier attempt at the same place)."""

    trace_id: TraceId
    span_id: SpanId
    session_id: str
    rule: LinkRule
    confidence: float
    linked_ns: int
    parent: CallKey | None = None
    sibling: CallKey | None = None
    evidence: Mapping[str, Scalar] = {}
    supersedes: bool = False

    @property
    def key(self) -> CallKey:
        """The linked call's key."""
        return CallKey(self.trace_id, self.span_id)


class CallClosed(msgspec.Struct, frozen=True, tag="call_closed", omit_defaults=True):
    """A call ended: the whole call, ready to be a row of the ledger and a pair of spans."""

    opened: CallOpened
    closed_ns: int
    duration_ns: int
    status: int
    outcome: Outcome
    response: Response
    session_id: str | None = None
    first_byte_ns: int | None = None
    overhead_ns: int = 0
    chunks: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    request_capture: Capture = "full"
    response_capture: Capture = "full"
    upstream: str = ""
    upstream_request_id: str | None = None
    error: str | None = None
    route: str = ""
    """The route that chose the targets; empty where the call went to the one upstream."""
    attempts: tuple[Attempt, ...] = ()
    """What the route tried, in order; the last one answered, or was the last to fail."""
    key_id: str = ""
    """The virtual key that the call came with; empty for none."""
    cache: CacheResult = ""
    cost_usd: float | None = None
    """By litellm's price table; None where any part of the price is not known."""
    erased_ns: int | None = None
    ask: Ask | None = None
    """How it was drawn for asking; None where nothing was drawn."""
    audit_prob: float | None = None
    """Its chance of being put before a reviewer; None where it had none."""
    audited: bool | None = None
    """Whether it was drawn for review."""

    @property
    def key(self) -> CallKey:
        """The call's key."""
        return self.opened.key


class SignalFound(msgspec.Struct, frozen=True, tag="signal_found", omit_defaults=True):
    """Traffic showed something about an earlier answer. `about` and `shown_by` may be one call (a stop)."""

    signal_id: str
    kind: str
    about: CallKey
    shown_by: CallKey
    probability: float
    found_ns: int
    tenant: str
    session_id: str
    detector: str
    detector_version: str
    evidence: Mapping[str, Scalar] = {}
    polarity: Polarity = "negative"
    provenance: Provenance = "structural"
    replay: int = 0
    """The number of the replay that found it; 0 for the worker's own."""
    withdrawn: bool = False
    """Whether the replay says that what was found before does not hold: then nothing of this id counts."""


class CallRelated(msgspec.Struct, frozen=True, tag="call_related", omit_defaults=True):
    """`shown_by` is a retry or a duplicate of `about`, or brought its answer later: a fact, not a signal."""

    kind: RelationKind
    about: CallKey
    shown_by: CallKey
    tenant: str
    found_ns: int
    evidence: Mapping[str, Scalar] = {}


class FeedbackGiven(msgspec.Struct, frozen=True, tag="feedback_given", omit_defaults=True):
    """Somebody said something about a call or a session, named by exactly one of the target fields, or about several.

    `value_json` is the value's JSON (`model.feedback.value_json`). `trace_id` and `span_id` below are of the feedback
    request itself. A retraction has no target and no value, only `supersedes`.
    """

    feedback_id: str
    kind: FeedbackKind
    value_json: str
    tenant: str
    given_ns: int
    trace_id: TraceId
    span_id: SpanId
    target_trace_id: TraceId | None = None
    target_span_id: SpanId | None = None
    target_response_id: str | None = None
    target_parent_span_id: SpanId | None = None
    """Set by a `traceparent` target: the call's own span id or the parent span id that the app had sent."""
    target_session_id: str | None = None
    metric: str | None = None
    comment: str | None = None
    rater: str | None = None
    body_sha256: str = ""
    source: FeedbackSource = "end_user"
    channel: FeedbackChannel = "api"
    key_id: str = ""
    at_ns: int | None = None
    """When it became true or was seen, where that was said; else `given_ns` is all that is known."""
    supersedes: str | None = None
    calls: tuple[CallNamed, ...] = ()
    """In place of the target fields: several calls."""
    choice: int | None = None
    span: TextSpan | None = None
    range: tuple[float, float] | None = None
    level: Level | None = None
    direction: Direction | None = None
    distance: float | None = None
    duration_s: float | None = None
    rubric: str | None = None
    erased_ns: int | None = None


Fact = CallOpened | SessionLinked | CallClosed | SignalFound | CallRelated | FeedbackGiven | Erased


class JournalEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One frame of the journal: facts, and how far each spool had been consumed when they were decided."""

    facts: tuple[Fact, ...]
    consumed: Mapping[str, int] = {}
    """Spool owner -> offset behind the last consumed frame."""
    dropped: int = 0
    padding: tuple[bytes, ...] = ()
    """In place of what was erased, so that an entry that is written anew is as long as before."""


encode_entry: Final = msgspec.msgpack.Encoder().encode
"""Encode one journal entry."""
_decoder: Final[msgspec.msgpack.Decoder[JournalEntry]] = msgspec.msgpack.Decoder(JournalEntry)


def decode_entry(payload: bytes) -> JournalEntry:
    """Decode one journal entry; raises `msgspec.MsgspecError` where it is none."""
    try:
        return _decoder.decode(payload)
    except UnicodeDecodeError as error:  # msgspec lets this one through
        raise msgspec.DecodeError(str(error)) from error
