"""The port of a lane: it answers a call by one attempt at one place.

A lane raises a `BacktalkError` where it has not begun the response, and says in the call's notes how the call ended
where it has. Whoever sends it elsewhere may raise out of `start`: the lane lets go of everything and lets the exception
pass.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from backtalk.model.exchange import ClientExchange, Fields, RequestHead
from backtalk.model.notes import CallNotes

Lane = Callable[[ClientExchange, CallNotes], Coroutine[Any, Any, None]]
"""Sends a call to one place and passes its answer."""


class Passing:
    """A client's exchange as it is: the base of those that a lane gets in its place, with something changed."""

    def __init__(self, client: ClientExchange) -> None:
        self._client = client
        self.head = client.head

    @property
    def gone(self) -> bool:
        """Whether the client has left."""
        return self._client.gone

    @property
    def writable(self) -> bool:
        """Whether the client takes what is written."""
        return self._client.writable

    async def receive(self) -> tuple[bytes, bool]:
        """The next piece of the request's body."""
        return await self._client.receive()

    def when_gone(self, callback: Callable[[], None]) -> None:
        """Call back when the client leaves."""
        self._client.when_gone(callback)

    def start(self, status: int, fields: Fields) -> None:
        """Begin the response."""
        self._client.start(status, fields)

    def write(self, piece: bytes, *, more: bool) -> None:
        """Send a piece of the response's body."""
        self._client.write(piece, more=more)

    def when_writable(self, callback: Callable[[], None]) -> None:
        """Call back when the client takes more."""
        self._client.when_writable(callback)


def with_fields(head: RequestHead, fields: Fields) -> RequestHead:
    """The same head with other fields."""
    return head._replace(fields=fields, known=dict(fields), derived=None)
