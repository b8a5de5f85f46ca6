"""The decider: one frame goes in, the facts that follow from it come out.

Synchronous and in one thread. A part that fails (an odd frame, the session desk) costs what it would have added,
counted and logged, never the facts of the call itself and never the next frame.
"""

import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

import msgspec

from backtalk.model.facts import CallClosed, CallOpened, Fact, FeedbackGiven, SessionLinked, SignalFound, decode_entry
from backtalk.model.frames import AnyFrame, Closed, Feedback, Heartbeat, Opened, Part, Replayed, Requested
from backtalk.model.ids import SpanId
from backtalk.model.meter import Meter
from backtalk.observe import facts_of
from backtalk.observe.open_calls import Ended, OpenCalls

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Desk(Protocol):
    """What the decider asks of `detect.Desk`."""

    def opened(self, fact: CallOpened) -> list[Fact]:
        """Put an arrival into its session; nothing while the decision waits."""
        ...

    def note_lag(self, lag_s: float) -> None:
        """Hear how far behind the worker is."""
        ...

    def closed(self, fact: CallClosed) -> tuple[CallClosed, list[Fact]]:
        """Name the session of a call that ended, and say what it showed."""
        ...

    def advance(self, boot_ns: int) -> list[Fact]:
        """Decide the arrivals that have waited long enough."""
        ...

    def restore(self, opened: CallOpened, linked: SessionLinked | None) -> None:
        """Know a call that was open before a restart."""
        ...

    def restore_missed(self, opened: CallOpened, linked: SessionLinked) -> None:
        """Know a call that had ended before a restart and waits for its parent."""
        ...

    def awaits_parent(self, span_id: SpanId) -> bool:
        """Whether a call's link may still be superseded."""
        ...

    def flush(self) -> object:
        """Write what still waits for the store."""
        ...


class Erasing(Protocol):
    """Takes texts out of what is somebody's who was erased (`tombstones.Tombstones`)."""

    def arrival(self, call: CallOpened) -> CallOpened:
        """A call before anybody compares its texts."""
        ...

    def end(self, call: CallClosed) -> CallClosed:
        """A call's end before anybody compares its texts."""
        ...

    def facts(self, facts: Iterable[Fact]) -> list[Fact]:
        """What may be written down of facts."""
        ...


GiveFeedback = Callable[[Feedback], FeedbackGiven]
"""Turns a feedback frame into its fact."""


CostOf = Callable[[CallClosed], float | None]
"""What a call cost in US dollars; None where that is not known."""

DrawOf = Callable[[CallClosed], CallClosed]
"""Says of a call that ended whether it was drawn for review (`worker.audit`)."""


class Decider:
    """Open calls, the desk and feedback behind one function."""

    def __init__(
        self,
        calls: OpenCalls,
        desk: Desk,
        feedback_given: GiveFeedback,
        metrics: Meter,
        *,
        cost_of: CostOf | None = None,
        drawn: DrawOf | None = None,
        erasing: Erasing | None = None,
    ) -> None:
        self.calls = calls
        self._erasing = erasing
        self._cost_of = cost_of
        self._drawn = drawn
        self._desk = desk
        self._feedback_given = feedback_given
        self._metrics = metrics
        self._counts: Counter[str] = Counter()
        self.lag_s = 0.0
        """How far behind the worker was at its last look."""

    def take(self, owner: str, frame: AnyFrame, *, late: bool = False) -> list[Fact]:
        """Decide one frame."""
        self._counts[type(frame).__name__.lower()] += 1
        with self._survived(type(frame).__name__):
            return self._written(self._facts(owner, frame, late=late))
        return []

    def advance(self, boot_ns: int) -> list[Fact]:
        """Decide what has waited up to this instant."""
        return self._written(self._ask(self._desk.advance, boot_ns))

    def note_lag(self, lag_s: float) -> None:
        """Say how far behind the worker is."""
        self.lag_s = lag_s
        self._desk.note_lag(lag_s)

    def interrupt(self, owner: str, seen_ns: int) -> list[Fact]:
        """End the calls of an owner that is gone."""
        found: list[Fact] = []
        for span_id in self.calls.spans(owner):
            with self._survived("interrupted"):
                if ended := self.calls.interrupt(span_id, seen_ns):
                    found += self._written(self._end(ended))
        return found

    def reopen(self, owner: str, frame: AnyFrame) -> CallOpened | None:
        """Take a frame again that was consumed before a restart; gives the call where it is complete with it."""
        with self._survived(type(frame).__name__):
            if isinstance(frame, Opened):
                return self.calls.open(owner, frame)
            if isinstance(frame, Requested):
                return self.calls.complete(frame)
            if isinstance(frame, Part):
                self.calls.part(frame)
        return None

    def restore(self, call: CallOpened, linked: SessionLinked | None) -> None:
        """Know a call again that was open before a restart."""
        with self._survived("restored"):
            self._desk.restore(call, linked)

    def restore_missed(self, call: CallOpened, linked: SessionLinked) -> None:
        """Know a call again that had ended before a restart and waits for its parent."""
        with self._survived("restored"):
            self._desk.restore_missed(call, linked)

    def awaits_parent(self, span_id: SpanId) -> bool:
        """Whether a call's link may still be superseded."""
        return self._desk.awaits_parent(span_id)

    def flush(self) -> None:
        """Let the desk write what it holds back."""
        try:
            self._desk.flush()
        except Exception:  # noqa: BLE001 -- the facts are decided; the store's state is a cache of them
            _log.exception("the session store could not be written")

    def report(self) -> None:
        """Add up what was counted since the last report."""
        for name, count in self._counts.items():
            self._metrics.add("backtalk.worker.frames", count, frame=name)
        self._counts.clear()

    def _written(self, facts: Iterable[Fact]) -> list[Fact]:
        return list(facts) if self._erasing is None else self._erasing.facts(facts)

    def _facts(self, owner: str, frame: AnyFrame, *, late: bool) -> Iterator[Fact]:
        if isinstance(frame, Opened):
            yield from self._arrive(self.calls.open(owner, frame, late=late))
        elif isinstance(frame, Requested):
            yield from self._arrive(self.calls.complete(frame))
        elif isinstance(frame, Part):
            self.calls.part(frame)
        elif isinstance(frame, Closed):
            if (ended := self.calls.close(frame)) is None:
                self._metrics.add("backtalk.worker.bad_frames", reason="not_opened")
            else:
                yield from self._end(ended)
        elif isinstance(frame, Replayed):
            yield from (
                fact for fact in decode_entry(frame.entry).facts if isinstance(fact, SignalFound) and fact.replay
            )
        elif not isinstance(frame, Heartbeat):
            yield self._feedback_given(frame)

    def _arrive(self, call: CallOpened | None) -> Iterator[Fact]:
        if call is None:
            return
        if call.request.not_understood:
            self._metrics.add("backtalk.worker.not_understood", api=call.api)
        call = call if self._erasing is None else self._erasing.arrival(call)
        yield facts_of.announced(call)
        yield from self._ask(self._desk.opened, call)

    def _end(self, ended: Ended) -> Iterator[Fact]:
        yield from self._arrive(ended.arrival)
        if ended.end.response.not_understood:
            self._metrics.add("backtalk.worker.not_understood", api=ended.end.opened.api)
        try:
            end, shown = self._desk.closed(ended.end if self._erasing is None else self._erasing.end(ended.end))
        except Exception:  # noqa: BLE001 -- the call is a fact whether or not its session can be told
            self._failed()
            end, shown = ended.end, list[Fact]()
        yield from (fact for fact in shown if isinstance(fact, SessionLinked))
        end = self._priced(end)
        yield end if self._drawn is None else self._drawn(end)
        yield from (fact for fact in shown if not isinstance(fact, SessionLinked))

    def _priced(self, end: CallClosed) -> CallClosed:
        if self._cost_of is None:
            return end
        try:
            return msgspec.structs.replace(end, cost_usd=self._cost_of(end))
        except (ArithmeticError, ValueError):  # counts that no tokens have
            return end

    def _ask(self, question: Callable[[_T], Sequence[Fact]], value: _T) -> list[Fact]:
        try:
            return list(question(value))
        except Exception:  # noqa: BLE001 -- sessions and signals are an addition; a failure there must not cost the call
            self._failed()
            return []

    @contextlib.contextmanager
    def _survived(self, frame: str) -> Generator[None]:
        """What fails here costs itself: raised, it would come again after each restart, and nothing behind it ever."""
        try:
            yield
        except Exception:  # noqa: BLE001 -- one frame that cannot be handled must not stop all that come after it
            _log.exception("a frame could not be handled", extra={"frame": frame})
            self._metrics.add("backtalk.worker.bad_frames", reason="failed")

    def _failed(self) -> None:
        _log.exception("the session desk failed")
        self._metrics.add("backtalk.session.store_failed", operation="desk")
