"""One attempt of a call at one target: its ids, its clock, and what of its response may pass.

In: a target and a lane. Out: the response on its way to the client, or the failure that asks for another attempt. The
one rule: once the head has gone to the client, nothing is tried again, and the attempt ends as the response does.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from backtalk import clock
from backtalk.errors import BacktalkError, UpstreamError
from backtalk.model.exchange import ClientExchange, Fields
from backtalk.model.frames import Attempt
from backtalk.model.ids import SpanId, new_span_id
from backtalk.model.notes import CallNotes
from backtalk.relay import failures, plan
from backtalk.relay.lane import Lane, Passing

TARGET: Final = b"x-backtalk-target"
ATTEMPTS: Final = b"x-backtalk-attempts"
_OURS: Final = frozenset((TARGET, ATTEMPTS))
_UNTAKEN: Final = frozenset(("upstream_unreachable",))

GoOn = Callable[[plan.Failure], bool]
"""Asked once where an attempt failed before its head has gone out: whether another one follows."""


class TryAgain(Exception):  # noqa: N818 -- no error: it unwinds a lane whose answer is not wanted
    """The response is not passed: another attempt follows."""


class Trial:
    """An attempt while it runs. `number` counts the call's attempts from 1."""

    def __init__(self, *, target: str, lane: str, model: str | None, number: int, notes: CallNotes) -> None:
        self.target = target
        self.span_id: SpanId = new_span_id()
        self.failure: plan.Failure | None = None
        """How it failed before its head went out."""
        self.cut: plan.Failure | None = None
        """How it failed after that."""
        self.status = 0
        self.notes = CallNotes(_as_parent(notes.traceparent, self.span_id), notes.tracestate)
        self._call_notes = notes
        self._lane = lane
        self._model = model
        self._number = number
        self._started = clock.now()
        self._started_ns = clock.monotonic_ns()
        self._ended = False

    async def run(self, lane: Lane, client: ClientExchange, *, head_timeout_s: float, go_on: GoOn) -> None:
        """Make the attempt; raises what the client is to be told, unless `go_on` says that another one follows."""
        try:
            await self._timed(lane, client, head_timeout_s, go_on)
        except TryAgain:
            pass
        except UpstreamError as error:
            self.failure = plan.Failure(error.code, taken=error.code not in _UNTAKEN)
            self._end(error.code)
            if not go_on(self.failure):
                self._tell(error)
                raise
        except BacktalkError as error:
            self._end(error.code)
            raise
        finally:
            self._end("cancelled")

    async def _timed(self, lane: Lane, client: ClientExchange, head_timeout_s: float, go_on: GoOn) -> None:
        """Run the lane; only the wait for the head is timed here, the rest is the lane's own matter."""
        try:
            async with asyncio.timeout(head_timeout_s) as timeout:

                def head(status: int, fields: Fields) -> Fields:
                    timeout.reschedule(None)
                    return self._head(status, fields, go_on)

                await lane(_Tried(client, head=head, end=self._settle), self.notes)
        except TimeoutError as error:
            raise failures.first_byte_timeout(head_timeout_s) from error
        self._settle()

    def _settle(self) -> None:
        """Take over how the response ended, before the call does."""
        outcome, error = self.notes.outcome, self.notes.error
        if outcome is None:
            self._end(self.failure.error if self.failure else None)
            return
        self._end(error or outcome)
        self._call_notes.fail(outcome, error)
        if outcome in ("upstream_error", "upstream_timeout"):
            self.cut = plan.Failure(error or outcome)

    def _head(self, status: int, fields: Fields, go_on: GoOn) -> Fields:
        """The head's fields for the client; raises `TryAgain` where it is not for the client."""
        self.status = status
        self.failure = plan.of_status(self.status, dict(fields).get(b"retry-after"))
        if self.failure is not None and go_on(self.failure):
            self._end(self.failure.error)
            raise TryAgain
        notes = self._call_notes
        notes.upstream = self.notes.upstream
        notes.answered_ns = self.notes.answered_ns
        notes.asked_ns = notes.asked_ns or self.notes.asked_ns
        kept = [field for field in fields if field[0] not in _OURS]
        return [*kept, *self.fields()]

    def fields(self) -> tuple[tuple[bytes, bytes], ...]:
        """The fields that say which target answered, and how many attempts it took."""
        return (TARGET, self.target.encode("ascii", "replace")), (ATTEMPTS, b"%d" % self._number)

    def _tell(self, error: UpstreamError) -> None:
        """The error that the client gets says the same as an answer's head would."""
        error.headers = (*error.headers, *self.fields())
        notes = self._call_notes
        notes.upstream = self.notes.upstream
        notes.asked_ns = notes.asked_ns or self.notes.asked_ns
        notes.fail("upstream_timeout" if failures.is_timeout(error) else "upstream_error", error.code)

    def _end(self, error: str | None) -> None:
        """Write down how it ended; the first word stands."""
        if self._ended:
            return
        self._ended = True
        notes = self._call_notes
        notes.asked_ns = notes.asked_ns or self.notes.asked_ns
        attempt = Attempt(
            span_id=self.span_id,
            target=self.target,
            lane=self._lane,
            started_ns=self._started.wall_ns,
            duration_ns=clock.monotonic_ns() - self._started_ns,
            upstream=self.notes.upstream,
            model=self._model,
            status=self.status,
            error=error,
        )
        notes.attempts = (*notes.attempts, attempt)


class _Tried(Passing):
    """A client's exchange that an attempt may begin to answer, or not."""

    def __init__(
        self, client: ClientExchange, *, head: Callable[[int, Fields], Fields], end: Callable[[], None]
    ) -> None:
        super().__init__(client)
        self._head_fields = head
        self._end = end

    def start(self, status: int, fields: Fields) -> None:
        """Begin the response, unless it is not for the client."""
        self._client.start(status, self._head_fields(status, fields))

    def write(self, piece: bytes, *, more: bool) -> None:
        """Send a piece."""
        if not more:
            self._end()
        self._client.write(piece, more=more)


def _as_parent(traceparent: str, span_id: SpanId) -> str:
    """The same trace with the attempt's span as the parent of what the upstream does."""
    return f"{traceparent[:36]}{span_id}{traceparent[52:]}" if traceparent else ""
