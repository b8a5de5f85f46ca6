"""The desk: each fact of a call is looked at once, put into its session, and shown to the detectors.

In: `CallOpened` and `CallClosed` in the order of their times. Out: `SessionLinked`, `CallRelated`, `SignalFound`. The
one rule: it remembers nothing that `restore` cannot rebuild. A call whose history ends in an answer that nobody is
known to have given waits up to a second of fact time for that answer's close, and is then decided. Where nobody gave it
even then, it is looked up once more two seconds later, and a link found so late supersedes the first.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import msgspec

from backtalk.detect.annotations import Annotations
from backtalk.detect.arrivals import arrival_of, completion_of, is_dialogue
from backtalk.detect.calibration import Calibration
from backtalk.detect.claims import Claims
from backtalk.detect.late_parents import AWAITS, LATE_PARENT_NS, LateParents, Missed, awaits, second_looks
from backtalk.detect.links import SURE, judged, linked_of, marked, place_of, related_of, windows_of
from backtalk.detect.retrievals import looked_at
from backtalk.detect.views import view_again, view_of
from backtalk.model.facts import CallClosed, CallOpened, Fact, SessionLinked, SignalFound
from backtalk.model.ids import SpanId
from backtalk.model.meter import Meter
from backtalk.model.session import SessionView
from backtalk.plugin.protocols import Detector
from backtalk.plugin.runner import DetectorRunner
from backtalk.session.canonical import Hasher
from backtalk.session.decide import Decision, decide
from backtalk.session.store import Arrival, Evidence, SessionStore
from backtalk.settings import Settings
from backtalk.text.pair_model import Embed

OPEN_CALLS: Final = 100_000
"""Most calls held open; beyond it the oldest is forgotten, counted, and decided anew when it closes."""


class _Open(msgspec.Struct):
    """A call between its two facts. `view` is None while the decision waits."""

    fact: CallOpened
    arrival: Arrival | None
    view: SessionView | None = None


class Desk:
    """Decides for one worker."""

    def __init__(
        self,
        store: SessionStore,
        detectors: Sequence[Detector],
        *,
        secret: bytes,
        settings: Settings,
        metrics: Meter,
        embed: Embed | None = None,
        calibration: Calibration | None = None,
        annotations: Annotations | None = None,
    ) -> None:
        self._store = store
        self._embed = embed
        self._annotations = annotations
        self._runner = DetectorRunner(detectors, metrics)
        self._hasher = Hasher(secret)
        self._claims = Claims(self._hasher, calibration or Calibration())
        self._windows = windows_of(settings)
        self._metrics = metrics
        self._shed_lag_s = settings.detect.shed_lag_s
        self._behind = False
        self._open: OrderedDict[SpanId, _Open] = OrderedDict()
        self._waiting: OrderedDict[SpanId, _Open] = OrderedDict()
        self._late = LateParents()

    def note_lag(self, lag_s: float) -> None:
        """Hear how far behind the worker is; beyond the limit texts are not compared, for that costs most."""
        self._behind = lag_s > self._shed_lag_s

    def opened(self, fact: CallOpened) -> list[Fact]:
        """Put a call into its session, or let it wait for its parent."""
        call = self._hold(fact)
        if call.arrival is None:
            return [self._not_followed(call)]
        evidence = self._store.arrive(call.arrival)
        decision = decide(call.arrival, evidence, self._hasher, self._windows, fact.opened_ns)
        if not decision.resolved:
            self._waiting[fact.span_id] = call
            return []
        return self._settle(call, call.arrival, decision)

    def closed(self, fact: CallClosed) -> tuple[CallClosed, list[Fact]]:
        """Name the session of an ended call, and look at its end."""
        span_id = fact.opened.span_id
        found = [] if span_id in self._open else self.opened(fact.opened)
        call = self._open.pop(span_id)
        if self._waiting.pop(span_id, None) is not None:
            found += self._decide_late(call, fact.closed_ns)
        if call.arrival is not None:
            self._store.complete(completion_of(fact, call.arrival, self._hasher))
        view = call.view or SessionView("", "no_state", 0.0)
        fact, brought = looked_at(fact, self._store, self._hasher)
        found += brought
        closed = msgspec.structs.replace(fact, session_id=view.session_id or None)
        found += self._ask(closed, view, closed.opened, closed.closed_ns)
        return closed, found

    def advance(self, boot_ns: int) -> list[Fact]:
        """Decide the arrivals whose wait has passed, and look again for the parents that were missed."""
        found = second_looks(self._late, self._store, boot_ns, self._look_again)
        if self._annotations is not None:
            found += self._annotations.take()
        while self._waiting:
            span_id, call = next(iter(self._waiting.items()))
            if boot_ns < call.fact.boot_ns + LATE_PARENT_NS:
                break
            del self._waiting[span_id]
            found += self._decide_late(call, call.fact.opened_ns + LATE_PARENT_NS)
        return found

    def restore(self, opened: CallOpened, linked: SessionLinked | None) -> None:
        """Take up a call that was open when the worker stopped; without its link it waits to be decided."""
        call = self._hold(opened)
        if linked is not None:
            call.view = view_again(linked)
            self.restore_missed(opened, linked)
        elif call.arrival is not None:
            self._waiting[opened.span_id] = call

    def restore_missed(self, opened: CallOpened, linked: SessionLinked) -> None:
        """Take up a call whose link may not hold: an open one, or one that ended before the worker stopped."""
        if awaits(linked) and is_dialogue(opened):
            self._let_wait(Missed(opened, arrival_of(opened, self._hasher), linked))

    def awaits_parent(self, span_id: SpanId) -> bool:
        """Whether a call's link may still be superseded: a restart has to know the call."""
        return span_id in self._late

    def flush(self) -> None:
        """Write what the store holds back."""
        self._store.flush()

    def _hold(self, fact: CallOpened) -> _Open:
        call = _Open(fact, arrival_of(fact, self._hasher) if is_dialogue(fact) else None)
        self._open[fact.span_id] = call
        if len(self._open) > OPEN_CALLS:
            forgotten, _ = self._open.popitem(last=False)
            self._waiting.pop(forgotten, None)
            self._metrics.add("backtalk.session.forgotten")
        return call

    def _decide_late(self, call: _Open, as_of_ns: int) -> list[Fact]:
        if call.arrival is None:
            return []
        evidence = self._store.arrive(call.arrival)
        as_of_ns = min(as_of_ns, call.fact.opened_ns + LATE_PARENT_NS)
        decision = decide(call.arrival, evidence, self._hasher, self._windows, as_of_ns)
        if not decision.resolved:
            self._metrics.add("backtalk.session.unresolved")
        return self._settle(call, call.arrival, decision)

    def _settle(self, call: _Open, arrival: Arrival, decision: Decision) -> list[Fact]:
        if decision.link is not None:
            self._store.link(arrival, decision.link)
        awaited = not decision.resolved or self._late.concerns(decision.session_id)
        if awaited:
            decision = marked(decision, AWAITS, value=True)
        shown = self._readable(arrival)
        if shown is not arrival:
            decision = marked(decision, "skipped", value="lag")
        call.view = view_of(call.fact, shown, decision, self._embed)
        linked = linked_of(call.fact, decision)
        if awaited:
            self._let_wait(Missed(call.fact, arrival, linked))
        found: list[Fact] = [linked, *related_of(call.fact, decision)]
        if decision.confidence >= SURE:
            found += self._ask(call.fact, call.view, call.fact, call.fact.opened_ns)
            if self._annotations is not None:
                self._annotations.offer(call.fact, call.view)
        return found

    def _readable(self, arrival: Arrival) -> Arrival:
        """The arrival, without its text where there is no time to compare it."""
        if not self._behind:
            return arrival
        self._metrics.add("backtalk.worker.shed", what="texts")
        return msgspec.structs.replace(arrival, history=msgspec.structs.replace(arrival.history, user_text=""))

    def _let_wait(self, missed: Missed) -> None:
        if not self._late.add(missed):
            self._metrics.add("backtalk.session.forgotten")

    def _look_again(self, missed: Missed, followers: Sequence[Missed], evidence: Evidence) -> list[Fact]:
        """Where a parent is known by now: the links that supersede those of the call and of what follows it."""
        linked_ns = missed.again_ns
        found = self._relink(missed, linked_ns, evidence)
        if not found:
            return []
        self._metrics.add("backtalk.session.relinked")
        for follower in followers:
            found += self._relink(follower, linked_ns, self._store.arrive(follower.arrival))
        return found

    def _relink(self, missed: Missed, linked_ns: int, evidence: Evidence) -> list[Fact]:
        """A call's second link, with what it shows of calls that the first had not named; nothing if it is the same."""
        fact, arrival, first = missed
        decision = decide(arrival, evidence, self._hasher, self._windows, fact.opened_ns + LATE_PARENT_NS)
        linked = msgspec.structs.replace(linked_of(fact, decision), linked_ns=linked_ns, supersedes=True)
        if not (evidence.available and decision.resolved) or place_of(linked) == place_of(first):
            return []
        if decision.link is not None:
            self._store.link(arrival, decision.link)
        view = view_of(fact, self._readable(arrival), decision, self._embed)
        if (call := self._open.get(fact.span_id)) is not None:
            call.view = view
        found: list[Fact] = [linked]
        if linked.sibling != first.sibling:
            found += related_of(fact, decision)
        if decision.confidence >= SURE:
            signals = self._ask(fact, view, fact, linked_ns)
            found += (signal for signal in signals if signal.about not in judged(first))
        return found

    def _not_followed(self, call: _Open) -> SessionLinked:
        fact, declared = call.fact, call.fact.request.declared_session
        if declared is None:
            session_id = self._hasher.name("session", *fact.key)
        else:
            session_id = self._hasher.name("declared", self._hasher.scope(fact).hex(), declared)
        call.view = SessionView(session_id, "not_chat", 1.0)
        return SessionLinked(fact.trace_id, fact.span_id, session_id, "not_chat", 1.0, fact.opened_ns)

    def _ask(
        self, fact: CallOpened | CallClosed, view: SessionView, shown_by: CallOpened, found_ns: int
    ) -> list[SignalFound]:
        return [
            self._claims.found(detector, signal, view, shown_by, found_ns)
            for detector, signal in self._runner.observe(fact, view)
        ]
