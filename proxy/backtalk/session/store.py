"""The port of session state: what a call leaves behind, and what is known when the next one arrives.

In: an `Arrival` when a call opens, a `Link` when it has been decided, a `Completion` when it closes. Out: `Evidence`,
everything the decision may look at. The one rule: what is written here suffices; a decision never depends on what some
process remembers. Writing twice is writing once (entries are known by the call's id).
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from backtalk.model.frames import Outcome
from backtalk.model.ids import CallKey, SpanId, TraceId
from backtalk.session.canonical import History


class Arrival(msgspec.Struct, frozen=True):
    """A call as it arrives."""

    call: CallKey
    opened_ns: int
    history: History
    client_hash: str = ""
    stream: bool = False
    offers_tools: bool = False
    retry_count: int = 0
    recent: bytes | None = None
    """Where first turns under the same instructions are listed; None for a request with an answer in it."""
    recent_any: bytes | None = None
    """Where the client's first turns are listed, whatever their instructions."""
    declared: str | None = None
    """The session that the app named."""
    user: str | None = None
    """The end user that the app named."""
    model: str | None = None
    """The model that was asked for."""

    @property
    def order(self) -> tuple[int, SpanId]:
        """Calls are ordered by arrival time, then id."""
        return self.opened_ns, self.call.span_id


class Link(msgspec.Struct, frozen=True, array_like=True):
    """Where a call was put."""

    session_id: str
    parent: CallKey | None = None
    """The call whose answer it continues."""


class Completion(msgspec.Struct, frozen=True):
    """A call's end: the keys under which it can be continued, and what was answered."""

    call: CallKey
    scope: bytes
    tenant: str
    closed_ns: int
    status: int
    outcome: Outcome
    answer_text: str = ""
    finish_reason: str | None = None
    response_id: str | None = None
    frontiers: tuple[bytes, ...] = ()
    answers: tuple[bytes, ...] = ()


class Known(msgspec.Struct, frozen=True, array_like=True):
    """The part of an arrival that later calls need."""

    trace_id: TraceId
    span_id: SpanId
    opened_ns: int
    client_hash: str
    stream: bool
    retry_count: int
    user_text: str
    model: str | None = None


class Ended(msgspec.Struct, frozen=True, array_like=True):
    """The part of a completion that later calls need."""

    closed_ns: int
    status: int
    outcome: Outcome
    answer_text: str
    finish_reason: str | None


class Seen(msgspec.Struct, frozen=True):
    """An earlier call as the store knows it; `ended` is None while it runs."""

    known: Known
    link: Link | None = None
    ended: Ended | None = None
    continued_ns: int | None = None
    """When its answer was first continued."""

    @property
    def span_id(self) -> SpanId:
        """The call's id."""
        return self.known.span_id

    @property
    def key(self) -> CallKey:
        """The call's key."""
        return CallKey(self.known.trace_id, self.known.span_id)

    @property
    def order(self) -> tuple[int, SpanId]:
        """Calls are ordered by arrival time, then id."""
        return self.known.opened_ns, self.known.span_id


class Evidence(msgspec.Struct, frozen=True):
    """The earlier calls that may matter to an arrival, each list oldest first. Not `available`: the store is away."""

    producers: tuple[Seen, ...] = ()
    """Gave the last answer after exactly this history."""
    lookalikes: tuple[Seen, ...] = ()
    """Gave the last answer, after whatever history."""
    repeats: tuple[Seen, ...] = ()
    """Asked the same."""
    edited: tuple[Seen, ...] = ()
    """Asked what stands before the last answer, whatever they were answered."""
    siblings: tuple[Seen, ...] = ()
    """Continued the same history up to the last answer."""
    cousins: tuple[Seen, ...] = ()
    """Continued the same last answer, after whatever history."""
    older: tuple[Seen, ...] = ()
    """Continued the answer before the last one."""
    asked: tuple[Seen, ...] = ()
    """Typed what stands before the last answer, after whatever history."""
    recent: tuple[Seen, ...] = ()
    """First turns of the same client under the same instructions."""
    recent_any: tuple[Seen, ...] = ()
    """First turns of the same client."""
    available: bool = True


class SessionStore(Protocol):
    """Session state of all tenants."""

    def arrive(self, arrival: Arrival) -> Evidence:
        """Read what is known, and leave the arrival for later ones, in one atomic step."""
        ...

    def arrive_all(self, arrivals: Sequence[Arrival]) -> list[Evidence]:
        """Several arrivals, one after the other, at the price of one."""
        ...

    def link(self, arrival: Arrival, link: Link) -> None:
        """Leave where the call was put; seen by every later `arrive` of this store."""
        ...

    def complete(self, completion: Completion) -> None:
        """Leave how the call ended, and the keys under which it can be continued; seen by every later `arrive`."""
        ...

    def flush(self) -> None:
        """Write what still waits."""
        ...

    def close(self) -> None:
        """Release the connection."""
        ...


def known(arrival: Arrival) -> Known:
    """What later calls need of an arrival."""
    return Known(
        trace_id=arrival.call.trace_id,
        span_id=arrival.call.span_id,
        opened_ns=arrival.opened_ns,
        client_hash=arrival.client_hash,
        stream=arrival.stream,
        retry_count=arrival.retry_count,
        user_text=arrival.history.user_text,
        model=arrival.model,
    )


def ended(completion: Completion) -> Ended:
    """What later calls need of a completion."""
    return Ended(
        closed_ns=completion.closed_ns,
        status=completion.status,
        outcome=completion.outcome,
        answer_text=completion.answer_text,
        finish_reason=completion.finish_reason,
    )
