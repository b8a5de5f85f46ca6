"""A response that a lane makes itself, on its way to the client.

In: a head, pieces, or an error. Out: the client's response. The one rule: an error is told in the way that is still
open; before the head by raising it or by a refusal of its own, after it by an event of the stream, and the end.
"""

import asyncio
from typing import Final

from backtalk import clock
from backtalk.errors import BacktalkError, UpstreamError
from backtalk.model.exchange import ClientExchange, ClientGoneError, Fields
from backtalk.model.notes import CallNotes
from backtalk.relay import failures, translated

_JSON: Final = b"application/json"


class RefusedError(Exception):
    """The provider answered, and its answer is no."""

    def __init__(self, refusal: translated.Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class Reply:
    """The response on its way to the client."""

    def __init__(self, client: ClientExchange, notes: CallNotes) -> None:
        self.notes = notes
        self.started = False
        self._client = client

    def begin(self, status: int, fields: Fields) -> None:
        """Send the head."""
        self.notes.answered_ns = clock.monotonic_ns()
        described = any(name == b"content-type" for name, _ in fields)
        self._client.start(status, fields if described else [(b"content-type", _JSON), *fields])
        self.started = True

    async def piece(self, data: bytes) -> None:
        """Send a piece of the body; waits while the client does not take it."""
        self._client.write(data, more=True)
        if not self._client.writable:
            taken = asyncio.Event()
            self._client.when_writable(taken.set)
            await taken.wait()

    def end(self, data: bytes) -> None:
        """Send the last piece."""
        self._client.write(data, more=False)

    def fail(self, error: Exception) -> None:
        """Tell the client in the way that is still open: a refusal, an exception, or an event of the stream."""
        if isinstance(error, ClientGoneError):
            self.notes.fail("client_disconnected")
        elif not self.started:
            if not isinstance(error, RefusedError):
                raise error
            self._refuse(error.refusal)
        else:
            timed_out = isinstance(error, UpstreamError) and failures.is_timeout(error)
            code = error.code if isinstance(error, BacktalkError) else "upstream_cut"
            self.notes.fail("upstream_timeout" if timed_out else "upstream_error", code)
            self.end(translated.error_event(str(error)))

    def _refuse(self, refusal: translated.Refusal) -> None:
        body = translated.error_body(refusal)
        headers = [(b"content-length", b"%d" % len(body))]
        if refusal.retry_after is not None and refusal.retry_after.isascii() and refusal.retry_after.isprintable():
            headers.append((b"retry-after", refusal.retry_after.encode()))
        self.begin(refusal.status, headers)
        self.end(body)
