"""What a proxy writes into its spool: raw, allow-listed, encoded with msgpack.

The proxy only copies bytes; the worker understands them. Every frame carries the instant of its event from the wall
clock and from CLOCK_BOOTTIME (`clock.Instant`), by which the worker merges the spools of several proxies.
"""

from typing import Annotated, Final, Literal

import msgspec

from backtalk.model.feedback import FeedbackChannel
from backtalk.settings.metrics import FeedbackSource

Capture = Literal["full", "truncated", "none"]
"""How much of a body the copy holds: all, a prefix (size and sha256 are of the whole), or nothing by setting."""

Outcome = Literal[
    "completed",
    "client_disconnected",
    "upstream_error",
    "upstream_timeout",
    "rejected",
    "failed",
    "interrupted",
]
"""How a call ended. `completed`: the whole response passed, whatever its status. `client_disconnected`: the client left
before. `upstream_error`: unreachable or cut off. `upstream_timeout`: a time limit of ours passed. `rejected`: refused
by Backtalk before the upstream was asked. `failed`: our own fault. `interrupted`: the proxy died (worker's verdict)."""


CacheResult = Literal["", "hit", "miss", "bypass"]
"""What a route's cache had to do with a call; empty where the route has none."""


class Attempt(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One try of a route at a target. `status` is 0 where no head came; `started_ns` is wall time."""

    span_id: str
    target: str
    lane: str
    started_ns: int
    duration_ns: int
    upstream: str = ""
    """`host:port`; empty where litellm knows the provider's address."""
    model: str | None = None
    """What the target was asked for, where that is another name than the app's."""
    status: int = 0
    error: str | None = None


AskArm = Literal["none", "inline", "prominent"]
"""Whether and how strongly the app was told to ask for feedback on an answer."""


class Ask(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How a call was drawn for asking. `probability` is that of its own arm, known before the answer was.

    `policy` writes down the settings that it follows from, so that those of the other arms are known too.
    """

    arm: AskArm
    probability: float
    policy: str


Instant = Annotated[int, msgspec.Meta(ge=-(1 << 62), le=1 << 62)]
"""Nanoseconds that have a date (1823 to 2116) and a column in the ledger; a frame beyond them is damage to a reader."""
Side = Literal["client", "server"]
"""Who sent a piece of what went over a socket."""


class Frame(msgspec.Struct, frozen=True, array_like=True, tag_field="t", gc=False):
    """The common start of every frame: when its event happened."""

    wall_ns: Instant
    boot_ns: Instant


class Opened(Frame, frozen=True, array_like=True, tag="o", gc=False):
    """A call's head has arrived. `body` is None where a `Requested` frame will bring it."""

    trace_id: str
    span_id: str
    server_span_id: str
    parent_span_id: str | None
    trace_flags: int
    tracestate: str
    tenant: str
    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    client_hash: str
    body: bytes | None
    body_bytes: int
    body_sha256: str | None = None
    capture: Capture = "full"


class Requested(Frame, frozen=True, array_like=True, tag="r", gc=False):
    """A request body that came in pieces is complete."""

    span_id: str
    body: bytes
    body_bytes: int
    body_sha256: str | None = None
    capture: Capture = "full"


class Closed(Frame, frozen=True, array_like=True, tag="c", gc=False):
    """A call has ended. `body` is what the client was sent (content-encoding still on). Durations are monotonic."""

    span_id: str
    outcome: Outcome
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    body_bytes: int
    duration_ns: int
    first_byte_ns: int | None
    overhead_ns: int
    chunks: int
    upstream: str
    error: str | None = None
    body_sha256: str | None = None
    capture: Capture = "full"
    route: str = ""
    attempts: tuple[Attempt, ...] = ()
    key_id: str = ""
    cache: CacheResult = ""
    ask: Ask | None = None


class Part(Frame, frozen=True, array_like=True, tag="p", gc=False):
    """A part of what went over a call's socket, in both directions, in order: WebSocket frames as bytes.

    `extensions` is what both sides agreed on (RFC 6455, section 9). `number` counts a call's parts from 0, so that a
    lost one is noticed; it is -1 where the pieces were let go.
    """

    span_id: str
    extensions: str
    number: int
    pieces: list[tuple[Side, bytes]]


class Feedback(Frame, frozen=True, array_like=True, tag="f", gc=False):
    """A feedback that the door has validated; `body` is the canonical JSON of `model.feedback.FeedbackBody`."""

    feedback_id: str
    tenant: str
    trace_id: str
    span_id: str
    body: bytes
    source: FeedbackSource = "end_user"
    channel: FeedbackChannel = "api"
    key_id: str = ""


class Replayed(Frame, frozen=True, array_like=True, tag="s", gc=False):
    """Signals that a replay found; `entry` is an encoded `model.facts.JournalEntry` of them."""

    entry: bytes


class Heartbeat(Frame, frozen=True, array_like=True, tag="h", gc=False):
    """Nothing happened up to this instant; lets the worker's watermark pass an idle proxy.

    `dropped` counts the frames that this proxy could not write since its start.
    """

    dropped: int = 0


AnyFrame = Opened | Requested | Part | Closed | Feedback | Replayed | Heartbeat

encode: Final = msgspec.msgpack.Encoder().encode
"""Encode one frame."""
_decoder: Final[msgspec.msgpack.Decoder[AnyFrame]] = msgspec.msgpack.Decoder(AnyFrame)


def decode(payload: bytes) -> AnyFrame:
    """Decode one frame; raises `msgspec.MsgspecError` where it is none."""
    try:
        return _decoder.decode(payload)
    except UnicodeDecodeError as error:  # msgspec lets this one through
        raise msgspec.DecodeError(str(error)) from error
