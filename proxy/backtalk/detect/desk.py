"""The desk: each fact of a call is looked at once, put into its session, and shown to the detectors.

In: `CallOpened` and `CallClosed` in the order of their times. Out: `SessionLinked`, `CallRelated`, `SignalFound`. The
one rule: it remembers nothing that `restore` cannot rebuild. A call whose history ends in an answer that nobody is
known to have given waits up to a second of fact time for that answer's close, and is then decided, once.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import msgspec

from backtalk.clock import NS_PER_S
from backtalk.detect.arrivals import arrival_of, completion_of, is_dialogue
from backtalk.detect.retrievals import looked_at
from backtalk.detect.views import view_again, view_of
from backtalk.model.facts import CallClosed, CallOpened, CallRelated, Fact, SessionLinked, SignalFound
from backtalk.model.ids import SpanId
from backtalk.model.meter import Meter
from backtalk.model.session import SessionView
from backtalk.plugin.protocols import Detector, Signal
from backtalk.plugin.runner import DetectorRunner
from backtalk.session.candidates import Windows
from backtalk.session.canonical import Hasher
from backtalk.session.decide import Decision, decide
from backtalk.session.store import Arrival, SessionStore
from backtalk.settings import Settings

LATE_PARENT_NS: Final = NS_PER_S
"""How long an arrival waits for the answer it continues."""
OPEN_CALLS: Final = 100_000
"""Most calls held open; beyond it the oldest is forgotten, counted, and decided anew when it closes."""
SURE: Final = 0.6
"""Below this confidence of a link nothing is said of an answer's quality."""


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
    ) -> None:
        self._store = store
        self._runner = DetectorRunner(detectors, metrics)
        self._hasher = Hasher(secret)
        self._windows = windows_of(settings)
        self._metrics = metrics
        self._shed_lag_s = settings.detect.shed_lag_s
        self._behind = False
        self._open: OrderedDict[SpanId, _Open] = OrderedDict()
        self._waiting: OrderedDict[SpanId, _Open] = OrderedDict()

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
        """Decide the arrivals whose wait has passed."""
        found: list[Fact] = []
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
        elif call.arrival is not None:
            self._waiting[opened.span_id] = call

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
        if self._behind:
            arrival, decision = _unread(arrival), _skipped(decision)
            self._metrics.add("backtalk.worker.shed", what="texts")
        call.view = view_of(arrival, decision)
        self._metrics.add("backtalk.session.links", rule=decision.rule)
        found: list[Fact] = [_linked(call.fact, decision), *_related(call.fact, decision)]
        if decision.confidence >= SURE:
            found += self._ask(call.fact, call.view, call.fact, call.fact.opened_ns)
        return found

    def _not_followed(self, call: _Open) -> SessionLinked:
        fact, declared = call.fact, call.fact.request.declared_session
        if declared is None:
            session_id = self._hasher.name("session", *fact.key)
        else:
            session_id = self._hasher.name("declared", self._hasher.scope(fact).hex(), declared)
        call.view = SessionView(session_id, "not_chat", 1.0)
        return SessionLinked(fact.trace_id, fact.span_id, session_id, "not_chat", 1.0, fact.opened_ns)

    def _ask(self, fact: CallOpened | CallClosed, view: SessionView, shown_by: CallOpened, found_ns: int) -> list[Fact]:
        return [
            self._found(detector, signal, view, shown_by, found_ns)
            for detector, signal in self._runner.observe(fact, view)
        ]

    def _found(
        self, detector: Detector, signal: Signal, view: SessionView, shown_by: CallOpened, found_ns: int
    ) -> SignalFound:
        self._metrics.add("backtalk.signals", kind=signal.kind)
        return SignalFound(
            signal_id=self._hasher.name("signal", detector.name, signal.kind, *signal.about, *shown_by.key),
            kind=signal.kind,
            about=signal.about,
            shown_by=shown_by.key,
            probability=signal.probability,
            found_ns=found_ns,
            tenant=shown_by.tenant,
            session_id=view.session_id,
            detector=detector.name,
            detector_version=detector.version,
            evidence=signal.evidence,
        )


def windows_of(settings: Settings) -> Windows:
    """The decision's windows as the settings have them."""
    session = settings.session
    return Windows(
        answer_ns=session.answer_ttl_s * NS_PER_S,
        repeat_ns=session.repeat_ttl_s * NS_PER_S,
        visit_ns=int(session.visit_gap_s * NS_PER_S),
    )


def _unread(arrival: Arrival) -> Arrival:
    return msgspec.structs.replace(arrival, history=msgspec.structs.replace(arrival.history, user_text=""))


def _skipped(decision: Decision) -> Decision:
    """The decision, marked for a replay that has the time."""
    return msgspec.structs.replace(decision, evidence={**decision.evidence, "skipped": "lag"})


def _linked(fact: CallOpened, decision: Decision) -> SessionLinked:
    return SessionLinked(
        trace_id=fact.trace_id,
        span_id=fact.span_id,
        session_id=decision.session_id,
        rule=decision.rule,
        confidence=decision.confidence,
        linked_ns=fact.opened_ns,
        parent=decision.link.parent if decision.link else None,
        sibling=decision.sibling.key if decision.sibling else None,
        evidence=decision.evidence,
    )


def _related(fact: CallOpened, decision: Decision) -> list[Fact]:
    if decision.relation is None or decision.sibling is None:
        return []
    return [
        CallRelated(decision.relation, decision.sibling.key, fact.key, fact.tenant, fact.opened_ns, decision.evidence)
    ]
