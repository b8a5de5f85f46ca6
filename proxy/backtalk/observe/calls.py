"""Observes calls that need no ASGI: the same ids, copies and ends as the middleware's, on the server's own exchange.

In: a client's exchange and who answers it. Out: the answer, observed. The one rule: bytes pass unchanged and at once;
only header fields are added, and only a failure before the response's head is answered here.
"""

import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from backtalk.errors import BacktalkError
from backtalk.model.exchange import ClientExchange, ClientGoneError, Fields
from backtalk.model.frames import Outcome
from backtalk.model.notes import CallNotes
from backtalk.observe.call import Call, Observer
from backtalk.observe.context import context_of
from backtalk.observe.middleware import Answer

Lane = Callable[[ClientExchange, CallNotes], Coroutine[Any, Any, None]]
"""Answers a call; raises an error that is to be told only before it has begun the response."""

_log: Final = logging.getLogger(__name__)


class ObservedCalls:
    """Has calls answered by a lane; `answer` makes the bodies of failures."""

    def __init__(self, observer: Observer, lane: Lane, answer: Answer) -> None:
        self._observer = observer
        self._lane = lane
        self._answer = answer

    async def serve(self, client: ClientExchange) -> None:
        """Have one call answered; whatever happens, it is closed once."""
        head = client.head
        context = context_of(head.fields, head.known)
        notes = CallNotes(context.traceparent, context.tracestate)
        call = Call(self._observer, head, context, notes)
        observed = Observed(client, call)
        try:
            await self._lane(observed, notes)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is answered and recorded
            self._failed(observed, error)
        except BaseException:
            call.close(_end(client, "failed"), "cancelled")
            raise
        if not call.ended:
            call.close(_end(client, "failed"), "the response was not completed")

    def _failed(self, observed: "Observed", error: Exception) -> None:
        call = observed.call
        if observed.gone or isinstance(error, ClientGoneError):
            call.close("client_disconnected")
            return
        code = error.code if isinstance(error, BacktalkError) else type(error).__name__
        if not isinstance(error, BacktalkError):
            _log.error("request failed", extra={"trace_id": call.context.trace_id}, exc_info=error)
        elif error.status < 500:
            call.notes.fail("rejected", code)
        if not observed.started:
            call.notes.fail("failed", code)
            status, fields, body = self._answer(error, call.context.trace_id, observed.head.path)
            observed.start(status, fields)
            observed.write(body, more=False)
        call.close("failed", code)


class Observed:
    """A client's exchange, observed; satisfies `model.exchange.ClientExchange`."""

    __slots__ = ("_client", "call", "head", "started", "when_gone", "when_writable")

    def __init__(self, client: ClientExchange, call: Call) -> None:
        self._client = client
        self.call = call
        self.head = client.head
        self.when_gone = client.when_gone
        self.when_writable = client.when_writable
        self.started = False

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
        piece, more = await self._client.receive()
        self.call.request_piece(piece, more=more)
        return piece, more

    def start(self, status: int, fields: Fields) -> None:
        """Begin the response, with the call's ids."""
        self.started = True
        self._client.start(status, self.call.response_head(status, fields))

    def write(self, piece: bytes, *, more: bool) -> None:
        """Send a piece, and keep a copy; the call ends with the last."""
        call = self.call
        call.response_piece(piece)
        self._client.write(piece, more=more)
        if not more:
            call.close(_end(self._client, "completed"))


def _end(client: ClientExchange, otherwise: Outcome) -> Outcome:
    return "client_disconnected" if client.gone else otherwise
