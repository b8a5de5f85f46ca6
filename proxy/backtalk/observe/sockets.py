"""The sockets of open calls: part frames go in as they come, at the end a request and a response come out.

Bounded by one budget for all sockets; where it is used up a session is kept as far as it was understood, and says so.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from backtalk.model.facts import CallClosed
from backtalk.model.frames import Part, Side
from backtalk.observe.realtime import Session
from backtalk.observe.tee import Budget
from backtalk.observe.websocket import Reader

LIMIT_BYTES: Final = 128 << 20
"""Largest sum of what is kept of all open sockets."""


class Socket:
    """One socket, from its parts. One that ended without a word of either side was closed with 1006 (RFC 6455)."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._session = Session(budget.take)
        self._readers: Mapping[Side, Reader] | None = None
        self._codes: dict[Side, int] = {}
        self._next = self._held_bytes = 0

    @property
    def closed(self) -> bool:
        """Whether both sides said that they close."""
        return len(self._codes) == 2

    def feed(self, frame: Part) -> None:
        """Take a part."""
        if self._readers is None:
            self._readers = {
                "client": Reader("client", frame.extensions),
                "server": Reader("server", frame.extensions),
            }
        if frame.number != self._next:
            self._session.problem = self._session.problem or "a part of what went over the socket was lost"
            return
        self._next += 1
        for side, piece in frame.pieces:
            reader = self._readers[side]
            for message in reader.feed(piece):
                if message.kind == "text":
                    self._session.event(side, message.data)
                elif message.code is not None:
                    self._codes.setdefault(side, message.code)
                else:
                    self._session.count(side, "binary")
            self._hold(reader)
            self._session.problem = self._session.problem or reader.problem

    def _hold(self, reader: Reader) -> None:
        """Take for what waits for its end as for what was understood; where nothing is left the reading ends."""
        held_bytes = sum(one.held_bytes for one in (self._readers or {}).values())
        self._held_bytes += self._budget.take(max(0, held_bytes - self._held_bytes))
        if held_bytes > self._held_bytes:
            held_bytes -= reader.held_bytes
            reader.give_up("the sockets that are open hold too much to keep more")
        self._budget.give(max(0, self._held_bytes - held_bytes))
        self._held_bytes = min(self._held_bytes, held_bytes)

    def finish(self, end: CallClosed) -> CallClosed:
        """The call's end with what went over its socket."""
        request = self._session.request(end.opened.request)
        response = self._session.response()
        outcome = "completed" if self.closed and end.outcome == "client_disconnected" else end.outcome
        opened = msgspec.structs.replace(end.opened, request=request)
        whole = self._session.problem is None and end.response_capture == "full"
        said = "closed_1006" if whole and not self._codes else _said(self._codes)
        return msgspec.structs.replace(end, opened=opened, response=response, outcome=outcome, error=end.error or said)

    def release(self) -> None:
        """Give back what was taken of the budget."""
        self._budget.give(self._session.taken_bytes + self._held_bytes)


def _said(codes: Mapping[Side, int]) -> str | None:
    """Why it was closed, where that was not in order: 1000 and 1001 are, 1005 says nothing."""
    odd = [f"closed_{code}_by_{side}" for side, code in codes.items() if code not in (1000, 1001, 1005)]
    return odd[0] if odd else None
