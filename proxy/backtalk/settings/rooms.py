"""What each room can be told: its section of the settings, with the default, the unit and the bounds of every field.

In: values from a file or a variable. Out: frozen sections; `backtalk.settings` puts them into one tree. The one rule: a
default is what a machine of its own needs, and every limit has one.
"""

from typing import Final, Literal

from pydantic import Field, field_validator

from backtalk.settings.metrics import FeedbackSource
from backtalk.settings.sampling import AskSettings, AuditSettings
from backtalk.settings.section import Section, web_origin
from backtalk.settings.tokens import TokenSettings

_MIB: Final = 1 << 20
_GIB: Final = 1 << 30


class RelaySettings(Section):
    """How calls are sent on."""

    connect_timeout_s: float = Field(default=10.0, gt=0, description="Time to reach the upstream.")
    idle_timeout_s: float = Field(
        default=300.0, gt=0, description="Longest silence of the upstream, before and in a response."
    )
    total_timeout_s: float = Field(
        default=3600.0, gt=0, description="Longest whole call; then it is cut as upstream_timeout."
    )
    body_limit_bytes: int = Field(default=_GIB, gt=0, description="Largest request body that is relayed; above it 413.")
    keep_alive_s: float = Field(default=15.0, gt=0, description="How long an idle upstream connection is kept.")
    max_idle_connections: int = Field(
        default=256, gt=0, description="How many idle upstream connections a process keeps."
    )
    forward_trace_context: bool = Field(default=True, description="Send traceparent and tracestate to the upstream.")
    replay_bytes: int = Field(default=32 * _MIB, gt=0, description="Largest body that routes keep to send it again.")
    cache_bytes: int = Field(default=64 * _MIB, gt=0, description="Largest sum of answers that a process keeps.")
    replay_process_bytes: int = Field(default=256 * _MIB, gt=0, description="Largest sum of such bodies in a process.")


class CaptureSettings(Section):
    """How much of each call is copied."""

    mode: Literal["full", "none"] = Field(default="full", description="none: hashes in place of all texts of calls.")
    call_bytes: int = Field(
        default=4 * _MIB, gt=0, description="Largest copy of one body; beyond it size and sha256 are kept."
    )
    process_bytes: int = Field(default=256 * _MIB, gt=0, description="Largest sum of copies in flight in a proxy.")
    socket_bytes: int = Field(default=64 * _MIB, gt=0, description="How much of a WebSocket is spooled, both ways.")


class SpoolSettings(Section):
    """The durable intake of each proxy process."""

    limit_bytes: int = Field(
        default=_GIB, gt=0, description="Largest spool of one process; above it calls are dropped, counted."
    )
    segment_bytes: int = Field(default=16 * _MIB, gt=0, description="Size at which a segment file is closed.")
    flush_ms: float = Field(default=40.0, gt=0, description="Longest wait of a call's frame to be written with others.")
    queue_bytes: int = Field(
        default=64 * _MIB, gt=0, description="Largest sum of frames waiting in memory for the disk."
    )


class JournalSettings(Section):
    """The worker's journal."""

    limit_bytes: int = Field(
        default=2 * _GIB, gt=0, description="Beyond this size a reader that lags is skipped ahead, counted."
    )
    segment_bytes: int = Field(default=16 * _MIB, gt=0, description="Size at which a segment file is closed.")


class SessionSettings(Section):
    """How sessions are inferred."""

    answer_ttl_s: int = Field(
        default=86_400, gt=0, description="How long an answer can be continued (keys F, A, P and call)."
    )
    repeat_ttl_s: int = Field(default=3_600, gt=0, description="How long a request is known for repeats (key Q).")
    recent_ttl_s: int = Field(default=300, gt=0, description="How long a first turn is known for edits (key U).")
    visit_gap_s: float = Field(
        default=1_800.0, gt=0, description="Silence after which a session's next call is a new visit."
    )
    redis_timeout_ms: float = Field(
        default=250.0, gt=0, description="The worker's wait for Redis before it goes on without."
    )
    header: str = Field(default="x-session-id", description="Request header by which an app may name the session.")


class DetectSettings(Section):
    """Which detectors run."""

    detectors: tuple[str, ...] = Field(
        default=(
            "regeneration",
            "reformulation",
            "assistant_edit",
            "stop",
            "follow_up",
            "dialogue",
            "answer",
            "tool_use",
        ),
        description="Detectors to run, in this order.",
    )
    embedding: bool = Field(
        default=False,
        description="Whether texts that words leave in doubt are compared by meaning; needs the extra `embedding`.",
    )
    shed_lag_s: float = Field(
        default=10.0, gt=0, description="Lag of the worker above which texts are not compared; links say so."
    )


class AnnotateSettings(Section):
    """Annotators: plugins that ask a model, beside the worker's own work."""

    annotators: tuple[str, ...] = Field(default=(), description="Annotators to ask; none: no model is ever asked.")
    turn_share: float = Field(default=0.01, gt=0, le=1, description="Share of turns asked about, by a keyed hash.")
    hourly_limit: int = Field(default=100, gt=0, description="Most questions that an annotator is asked in an hour.")
    queue_limit: int = Field(default=256, gt=0, description="Most questions that wait; beyond it they are dropped.")
    cache_limit: int = Field(default=4_096, gt=0, description="Most verdicts that are remembered by their texts.")


class LedgerSettings(Section):
    """The Delta tables."""

    commit_s: float = Field(default=3.0, gt=0, description="Longest time between a fact and its commit.")
    commit_bytes: int = Field(
        default=8 * _MIB, gt=0, description="Size of waiting facts at which a commit comes at once."
    )
    compact_every: int = Field(default=50, gt=1, description="Commits between two compactions.")
    content: bool = Field(default=True, description="Keep message texts; otherwise only ids, sizes and hashes.")


class KeySettings(Section):
    """Virtual keys."""

    required: bool = Field(default=True, description="Once there are virtual keys, no call comes in without one.")
    lookup_ms: float = Field(default=50.0, gt=0, description="Longest wait for Redis to count a call.")
    fail_open: bool = Field(default=True, description="Without Redis, let calls pass uncounted; else 503.")


class WebSettings(Section):
    """Both listeners."""

    allowed_origins: tuple[str, ...] = Field(
        default=(),
        description="Origins (`https://app.example`) whose pages may make calls, read their ids, and give feedback.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description="Names by which a listener on loopback may be asked for, besides those of loopback."
    )
    max_connections: int = Field(
        default=10_000, gt=0, description="Most connections of clients to one process; above it 503."
    )

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(web_origin, value))


class FeedbackSettings(Section):
    """The feedback door."""

    body_limit_bytes: int = Field(default=_MIB, gt=0, description="Largest feedback body; above it 413.")
    lookup_ms: float = Field(
        default=50.0, gt=0, description="Longest wait for Redis before it is accepted without an echo."
    )
    max_in_flight: int = Field(
        default=256, gt=0, description="Most feedback that a process takes at once; above it 503."
    )
    idempotency_ttl_s: int = Field(default=604_800, gt=0, description="How long an Idempotency-Key is remembered.")
    source: FeedbackSource = Field(
        default="end_user",
        description="Who stands behind feedback that comes with no virtual key of a source of its own.",
    )
    declared_metrics_only: bool = Field(
        default=False, description="Refuse feedback about a metric that no `[metrics.<name>]` declares."
    )
    max_items: int = Field(default=1_000, gt=0, le=10_000, description="Most feedback in one body; above it 400.")
    read_timeout_s: float = Field(
        default=5.0, gt=0, description="Longest wait for the admin process where feedback is read; then 503."
    )
    allowed_origins: tuple[str, ...] = Field(
        default=(), description="Origins (`https://app.example`) whose pages may give feedback, but make no calls."
    )
    tokens: TokenSettings = TokenSettings()
    ask: AskSettings = AskSettings()
    audit: AuditSettings = AuditSettings()

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(web_origin, value))
