"""What annotators said: verdicts as facts, remembered by the texts they are about, within an hourly budget.

In: signals of an annotator. Out: facts whose version names the model too. The one rule: a verdict is remembered under a
keyed hash of tenant, texts, version and revision, so no tenant is answered with what another's texts had brought, and a
change of the model asks anew. A verdict is recorded as it was said: no calibration touches it.
"""

from collections import OrderedDict

import msgspec

from backtalk.clock import NS_PER_S
from backtalk.model.facts import CallOpened, SignalFound
from backtalk.model.ids import keyed_hash
from backtalk.plugin.protocols import Annotator, Question, Signal
from backtalk.session.canonical import Hasher

_HOUR_NS = 3_600 * NS_PER_S


class Verdicts:
    """One annotator's verdicts; used by its thread alone."""

    def __init__(self, annotator: Annotator, secret: bytes, limit: int) -> None:
        self._name = annotator.name
        self._version = f"{annotator.version}+{annotator.revision}"
        self._secret, self._hasher, self._limit = secret, Hasher(secret), limit
        self._known: OrderedDict[str, Signal] = OrderedDict()

    def recall(self, tenant: str, question: Question) -> Signal | None:
        """What was said of the same texts, about this question's call."""
        signal = self._known.get(self._place(tenant, question))
        return None if signal is None else msgspec.structs.replace(signal, about=question.about)

    def remember(self, tenant: str, question: Question, signal: Signal) -> None:
        """Keep a verdict; beyond the limit the oldest is forgotten."""
        self._known[self._place(tenant, question)] = signal
        if len(self._known) > self._limit:
            self._known.popitem(last=False)

    def fact_of(self, signal: Signal, shown_by: CallOpened, session_id: str, share: float) -> SignalFound:
        """The verdict as a fact: found when the showing call arrived, with the share that was asked about."""
        return SignalFound(
            signal_id=self._hasher.name("signal", self._name, signal.kind, *signal.about, *shown_by.key),
            kind=signal.kind,
            about=signal.about,
            shown_by=shown_by.key,
            probability=signal.probability,
            found_ns=shown_by.opened_ns,
            tenant=shown_by.tenant,
            session_id=session_id,
            detector=self._name,
            detector_version=self._version,
            evidence={**signal.evidence, "turn_share": share},
            polarity=signal.polarity,
            provenance="llm",
        )

    def _place(self, tenant: str, question: Question) -> str:
        texts = (question.asked_text, question.answer_text, question.next_text)
        parts = (tenant, self._name, self._version, *texts)
        return keyed_hash(self._secret, b"verdict", *(part.encode("utf-8", "surrogatepass") for part in parts))


class Budget:
    """So many questions an hour, counted from the first one of it."""

    def __init__(self, hourly_limit: int) -> None:
        self._limit = hourly_limit
        self._begun_ns: int | None = None
        self._spent = 0

    def take(self, now_ns: int) -> bool:
        """Whether one more may be asked."""
        if self._begun_ns is None or now_ns - self._begun_ns >= _HOUR_NS:
            self._begun_ns, self._spent = now_ns, 0
        if self._spent >= self._limit:
            return False
        self._spent += 1
        return True
