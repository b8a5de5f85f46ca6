"""Facts become spans and log events: which calls, with which words, and what was said of them.

In: facts, in order, each once a life. Out: finished records. It remembers calls within bounds: by which key feedback
may name them, and those that were left out until something is said of them. `recall` rebuilds that from facts of the
past.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeGuard

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.trace import ReadableSpan

from backtalk.export.attempts import attempt_spans
from backtalk.export.captured import Capture, as_attributes
from backtalk.export.held import Held, HeldCalls
from backtalk.export.host import Host
from backtalk.export.late import carried, details_event
from backtalk.export.origin import Origin
from backtalk.export.parameters import AttributeValue
from backtalk.export.sampling import Decision, Reason, Sampler
from backtalk.export.spans import spans_of
from backtalk.export.verdicts import carrier_of, child_of, event_of
from backtalk.model.erased import Erased
from backtalk.model.facts import CallClosed, Fact, FeedbackGiven, SignalFound
from backtalk.model.ids import CallKey
from backtalk.plugin.call_index import CallIndex
from backtalk.plugin.feedback_verdicts import of_feedback
from backtalk.plugin.verdicts import Verdict, of_signal

Said = SignalFound | FeedbackGiven

_CONTENT_LEFT_OUT: Final = "backtalk.content.left_out"


class Records(NamedTuple):
    """What facts have become."""

    spans: list[ReadableSpan]
    events: list[ReadableLogRecord]


class Translation:
    """Translates for one exporter."""

    def __init__(self, origin: Origin, host: Host) -> None:
        settings = host.settings
        self._origin = origin
        self._metrics = host.metrics
        self._lag_s = host.lag_s
        self._shed_lag_s = settings.content_shed_lag_s
        self._capture = Capture(settings.content, settings.content_bytes, host.message_id)
        self._late = settings.late_content if settings.content == "attributes" else "off"
        self._child = settings.verdict_child
        self._sampler = Sampler(settings, host.secret)
        self._index = CallIndex()
        self._held = HeldCalls(settings, on_gone=self._gone)

    @property
    def texts(self) -> bool:
        """Whether words are sent at all."""
        return self._capture.mode == "attributes"

    def of(self, fact: Fact) -> Records:
        """The records of one fact; none for one that says nothing here."""
        if isinstance(fact, CallClosed):
            return self._call(fact)
        if isinstance(fact, Erased):
            self._held.forget(fact.tenant)
        return self._said(fact) if _is_said(fact) else Records([], [])

    def recall(self, fact: Fact) -> None:
        """Know what was known when this fact was translated, in a life before."""
        if isinstance(fact, CallClosed):
            self._index.add(fact)
            self._hold(fact, self._sampler.decide(fact))
        elif isinstance(fact, Erased):
            self._held.forget(fact.tenant)
        elif _is_said(fact):
            self._released(fact, self._verdicts(fact))

    def forget(self) -> None:
        """Hold no calls any more: their texts may be erased."""
        self._held.forget(None)
        self.report()

    def report(self) -> None:
        """Say how much is held."""
        self._metrics.set("backtalk.export.held", len(self._held))

    def _call(self, call: CallClosed) -> Records:
        self._index.add(call)
        decision = self._sampler.decide(call)
        self._metrics.add("backtalk.export.calls", result=decision.reason or "held")
        if decision.told and self._capture.mode != "off" and self._lag_s() > self._shed_lag_s:
            self._metrics.add("backtalk.worker.shed", what="content")
            decision = decision._replace(words=False)
            self._hold(call, decision)
            return Records(self._spans(call, decision, {_CONTENT_LEFT_OUT: "lag"}), [])
        self._hold(call, decision)
        return Records(self._spans(call, decision) if decision.told else [], [])

    def _hold(self, call: CallClosed, decision: Decision) -> None:
        """Keep a call for what may be said of it, where that would bring anything to light."""
        if not decision.told or (self._late != "off" and not decision.words):
            self._held.put(call, told=decision.told)

    def _spans(
        self, call: CallClosed, decision: Decision, more: dict[str, AttributeValue] | None = None
    ) -> list[ReadableSpan]:
        shown = decision.attributes() | (more or {})
        if self._capture.mode == "reference" or decision.words:
            shown |= as_attributes(call, self._capture)
        elif self._capture.mode == "attributes":
            shown.setdefault(_CONTENT_LEFT_OUT, "share")
        return [*spans_of(call, self._origin, shown), *attempt_spans(call, self._origin)]

    def _said(self, fact: Said) -> Records:
        verdicts = list(map(self._index.described, self._verdicts(fact)))
        found, words = Records([], []), dict[CallKey, dict[str, AttributeValue]]()
        for held in self._released(fact, verdicts):
            if not held.told:
                reason: Reason = "signal" if isinstance(fact, SignalFound) else "feedback"
                self._metrics.add("backtalk.export.calls", result=reason)
                found.spans.extend(self._spans(held.call, self._sampler.remarkable(reason)))
            elif self._late == "event":
                found.events.append(details_event(held.call, self._capture, self._origin, _time_ns(fact)))
            elif self._late == "carrier":
                words[held.call.key] = carried(held.call, self._capture)
        for verdict in verdicts:
            found.spans.extend(self._carriers(verdict, words))
            if (event := event_of(verdict, self._origin)) is not None:
                found.events.append(event)
        return found

    def _carriers(self, verdict: Verdict, words: Mapping[CallKey, dict[str, AttributeValue]]) -> Iterator[ReadableSpan]:
        target = verdict.target
        yield carrier_of(verdict, self._origin, None if target is None else words.get(target))
        ended_ns = self._index.ended_ns(target) if target is not None and self._child else None
        if ended_ns is not None and not verdict.withdraws:
            yield child_of(verdict, ended_ns, self._origin)

    def _verdicts(self, fact: Said) -> list[Verdict]:
        if isinstance(fact, SignalFound):
            return [of_signal(fact, content=self.texts)]
        return of_feedback(fact, self._index.target_of, content=self.texts)

    def _released(self, fact: Said, verdicts: Sequence[Verdict]) -> list[Held]:
        """The calls that were held and that this fact judges, held no longer."""
        if not len(self._held):
            return []
        found: list[Held] = []
        if isinstance(fact, FeedbackGiven) and fact.target_session_id is not None:
            found += self._held.take_session(fact.tenant, fact.target_session_id)
        keys = [verdict.target for verdict in verdicts if verdict.target is not None and not verdict.withdraws]
        return found + [held for key in keys if (held := self._held.take(fact.tenant, key)) is not None]

    def _gone(self, reason: str) -> None:
        self._metrics.add("backtalk.export.unheld", reason=reason)


def _is_said(fact: Fact) -> TypeGuard[Said]:
    """Signals and feedback, but not what a replay finds of the past: that is the ledger's, and nobody's alarm waits."""
    return isinstance(fact, FeedbackGiven) or (isinstance(fact, SignalFound) and fact.replay == 0)


def _time_ns(fact: Said) -> int:
    return fact.found_ns if isinstance(fact, SignalFound) else fact.given_ns
