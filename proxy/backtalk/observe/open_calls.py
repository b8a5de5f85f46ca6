"""The calls that have opened and not closed: frames go in one by one, facts come out when they are complete.

A call whose body is still to come is not announced before the body, or its end, is there. What the table holds is
bounded: beyond the bounds the oldest calls lose the messages of their requests, counted, and keep all else.
"""

from typing import Final, NamedTuple, Protocol, TypedDict

import msgspec

from backtalk.model.chat import Request
from backtalk.model.facts import CallClosed, CallOpened
from backtalk.model.frames import Capture, Closed, Opened, Part, Requested
from backtalk.model.meter import Meter
from backtalk.observe import blind, facts_of
from backtalk.observe.sockets import LIMIT_BYTES as SOCKET_BYTES
from backtalk.observe.sockets import Socket
from backtalk.observe.tee import Budget

LIMIT_BYTES: Final = 256 << 20
"""Largest sum of request bodies that are held understood."""
LIMIT_CALLS: Final = 50_000
"""Most calls whose requests are held."""
_LET_GO: Final = "too many calls were open at once to keep this request"


class Ended(NamedTuple):
    """A call's end, and its arrival where that had not been announced before."""

    arrival: CallOpened | None
    end: CallClosed


class Redaction(Protocol):
    """Takes personal data out of what was understood, before anybody else sees it (`redact.Redaction`)."""

    def arrival(self, call: CallOpened) -> CallOpened:
        """An arrival without it."""
        ...

    def end(self, call: CallClosed, *, asked_more: bool = False) -> CallClosed:
        """An end without it; `asked_more`: its request has changed since the arrival."""
        ...


class _Sizes(TypedDict):
    request_bytes: int
    request_capture: Capture


class _Open(msgspec.Struct):
    owner: str
    call: CallOpened
    headers: list[tuple[str, str]]
    announced: bool
    request_bytes: int
    capture: Capture
    held_bytes: int = 0
    socket: Socket | None = None


class OpenCalls:
    """The table of one worker; used by one thread."""

    def __init__(
        self,
        session_header: str,
        metrics: Meter,
        *,
        redaction: Redaction | None = None,
        limit_bytes: int = LIMIT_BYTES,
        limit_calls: int = LIMIT_CALLS,
    ) -> None:
        self._redaction = redaction
        self._session_header = session_header
        self._metrics = metrics
        self._limit_bytes = limit_bytes
        self._limit_calls = limit_calls
        self._calls: dict[str, _Open] = {}
        self._holding: dict[str, None] = {}
        self._held_bytes = 0
        self._sockets = Budget(SOCKET_BYTES)

    def __len__(self) -> int:
        return len(self._calls)

    def open(self, owner: str, frame: Opened, *, late: bool = False) -> CallOpened | None:
        """Take an arrival; gives it back understood, or None while its body is on the way or where it is known."""
        if frame.span_id in self._calls:
            return None
        call = self._arrival(facts_of.opened(frame, late=late))
        known = _Open(owner, call, frame.headers, frame.body is not None, frame.body_bytes, frame.capture)
        self._calls[frame.span_id] = known
        return None if frame.body is None else self._understand(frame.span_id, known, frame.body)

    def complete(self, frame: Requested) -> CallOpened | None:
        """Take a body that came in pieces; None where no such call waits."""
        known = self._calls.get(frame.span_id)
        if known is None or known.announced:
            return None
        known.announced, known.request_bytes, known.capture = True, frame.body_bytes, frame.capture
        return self._understand(frame.span_id, known, frame.body)

    def part(self, frame: Part) -> None:
        """Take a part of what went over a call's socket."""
        known = self._calls.get(frame.span_id)
        if known is not None:
            known.socket = known.socket or Socket(self._sockets)
            known.socket.feed(frame)

    def close(self, frame: Closed) -> Ended | None:
        """Take an end; None where no such call is open (its opening was dropped by a full spool)."""
        known = self._forget(frame.span_id)
        if known is None:
            return None
        sizes = _Sizes(request_bytes=known.request_bytes, request_capture=known.capture)
        if frame.capture == "none":
            end = facts_of.ended(known.call, frame, blind.read_response(frame.body), **sizes)
        else:
            end = facts_of.closed(known.call, frame, **sizes)
        return self._ended(known, end)

    def interrupt(self, span_id: str, seen_ns: int) -> Ended | None:
        """End a call whose owner is gone; None where no such call is open."""
        known = self._forget(span_id)
        if known is None:
            return None
        end = facts_of.interrupted(
            known.call, seen_ns, request_bytes=known.request_bytes, request_capture=known.capture
        )
        return self._ended(known, end)

    def spans(self, owner: str) -> list[str]:
        """The open calls of an owner, oldest first."""
        return [span_id for span_id, known in self._calls.items() if known.owner == owner]

    def _understand(self, span_id: str, known: _Open, body: bytes) -> CallOpened:
        if known.capture == "none":
            known.call = msgspec.structs.replace(known.call, request=blind.read_request(body))
        else:
            known.call = facts_of.with_request(known.call, body, known.headers, self._session_header)
        known.headers = []
        whole = known.call = self._arrival(known.call)
        known.held_bytes = len(body)
        self._held_bytes += len(body)
        self._holding[span_id] = None
        while self._holding and (self._held_bytes > self._limit_bytes or len(self._holding) > self._limit_calls):
            self._let_go(next(iter(self._holding)))
        return whole

    def _arrival(self, call: CallOpened) -> CallOpened:
        return call if self._redaction is None else self._redaction.arrival(call)

    def _ended(self, known: _Open, end: CallClosed) -> Ended:
        end = _with_socket(known, end)
        if self._redaction is not None:
            end = self._redaction.end(end, asked_more=known.socket is not None)
        return Ended(None if known.announced else known.call, end)

    def _let_go(self, span_id: str) -> None:
        known = self._calls[span_id]
        request = facts_of.announced(known.call).request
        known.call = msgspec.structs.replace(known.call, request=_without_messages(request))
        known.capture = "truncated"
        self._release(span_id, known)
        self._metrics.add("backtalk.worker.shed", what="request")

    def _forget(self, span_id: str) -> _Open | None:
        known = self._calls.pop(span_id, None)
        if known is not None:
            self._release(span_id, known)
        return known

    def _release(self, span_id: str, known: _Open) -> None:
        if span_id in self._holding:
            del self._holding[span_id]
            self._held_bytes -= known.held_bytes
            known.held_bytes = 0


def _without_messages(request: Request) -> Request:
    return msgspec.structs.replace(request, not_understood=_LET_GO)


def _with_socket(known: _Open, end: CallClosed) -> CallClosed:
    """The end with what went over the call's socket, which is let go."""
    if known.socket is None:
        return end
    whole = known.socket.finish(end)
    known.socket.release()
    return whole
