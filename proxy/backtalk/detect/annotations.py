"""Annotators at work: models are asked about a sampled share of turns, in threads beside the worker.

In: opened calls with their views. Out: `SignalFound` of provenance `llm`, taken when the desk next looks. The one rule:
nothing here waits for a model but its own thread. What does not fit (queue, budget, a model that fails) is not asked,
counted, and not made up for: it is a sample.
"""

import contextlib
import logging
import queue
import threading
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from backtalk.clock import NS_PER_S, monotonic_ns
from backtalk.detect.verdicts import Budget, Verdicts
from backtalk.model.facts import CallOpened, SignalFound
from backtalk.model.ids import keyed_hash
from backtalk.model.meter import Meter
from backtalk.model.session import SessionView
from backtalk.plugin.protocols import Annotator, Question, Signal
from backtalk.plugin.runner import FAILURES_IN_A_ROW, REST_NS, checked
from backtalk.settings import AnnotateSettings

_log = logging.getLogger(__name__)
_ALL: Final = 1 << 64


class _Asked(NamedTuple):
    """A question with what makes its verdict a fact."""

    question: Question
    shown_by: CallOpened
    session_id: str


class Annotations:
    """All annotators of one worker; `offer` and `take` are the worker's and return at once."""

    def __init__(
        self, annotators: Sequence[Annotator], settings: AnnotateSettings, secret: bytes, metrics: Meter
    ) -> None:
        self._found: queue.Queue[SignalFound] = queue.Queue(settings.queue_limit)
        self._askers = tuple(_Asker(each, settings, secret, metrics, self._found) for each in annotators)

    def offer(self, fact: CallOpened, view: SessionView) -> None:
        """Let each annotator pick what it would ask about."""
        for asker in self._askers:
            asker.offer(fact, view)

    def forget(self) -> None:
        """Ask nothing of what waits, for somebody's texts are being erased; a question that is under way is."""
        for asker in self._askers:
            asker.forget()

    def take(self) -> list[SignalFound]:
        """The verdicts that have come since."""
        found: list[SignalFound] = []
        while True:
            try:
                found.append(self._found.get_nowait())
            except queue.Empty:
                return found


class _Asker:
    """One annotator with its thread, queue, budget and remembered verdicts."""

    def __init__(
        self,
        annotator: Annotator,
        settings: AnnotateSettings,
        secret: bytes,
        metrics: Meter,
        found: "queue.Queue[SignalFound]",
    ) -> None:
        self._annotator, self._metrics, self._found = annotator, metrics, found
        self._share, self._secret = settings.turn_share, secret
        self._waiting: queue.Queue[_Asked] = queue.Queue(settings.queue_limit)
        self._verdicts = Verdicts(annotator, secret, settings.cache_limit)
        self._budget = Budget(settings.hourly_limit)
        self._failures = 0
        self._rests_until_ns = 0
        threading.Thread(target=self._run, name=f"annotator {annotator.name}", daemon=True).start()

    def offer(self, fact: CallOpened, view: SessionView) -> None:
        if not self._drawn(fact):
            return
        try:
            question = self._annotator.question(fact, view)
            if question is not None:
                self._waiting.put_nowait(_Asked(question, fact, view.session_id))
        except queue.Full:
            self._count("queue_full")
        except Exception:  # noqa: BLE001 -- a stranger's plugin may raise anything; the worker goes on
            self._count("failed")
            _log.exception("annotator %s could not say what to ask", self._annotator.name)

    def forget(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
                self._count("erased")

    def _drawn(self, fact: CallOpened) -> bool:
        """The same calls are drawn whatever was drawn before, so a sample can be told and repeated."""
        name = self._annotator.name.encode()
        drawn = keyed_hash(self._secret, b"annotate", name, *(part.encode() for part in fact.key), size_bytes=8)
        return int(drawn, 16) < self._share * _ALL

    def _run(self) -> None:
        while True:
            asked = self._waiting.get()
            try:
                self._decide(asked)
            except Exception:  # noqa: BLE001 -- a stranger's plugin may raise anything; the next question is asked
                self._failed()

    def _decide(self, asked: _Asked) -> None:
        tenant, question = asked.shown_by.tenant, asked.question
        known = self._verdicts.recall(tenant, question)
        if known is not None:
            self._settle(asked, known, "cached")
        elif monotonic_ns() < self._rests_until_ns:
            self._count("resting")
        elif not self._budget.take(monotonic_ns()):
            self._count("over_budget")
        else:
            self._settle(asked, self._ask(tenant, question), "answered")

    def _ask(self, tenant: str, question: Question) -> Signal | None:
        started_ns = monotonic_ns()
        said = self._annotator.annotate(question)
        self._metrics.record(
            "backtalk.annotator.duration", (monotonic_ns() - started_ns) / NS_PER_S, annotator=self._annotator.name
        )
        self._failures = 0
        if said is None:
            return None
        signal = msgspec.structs.replace(checked(said), about=question.about, provenance="llm")
        self._verdicts.remember(tenant, question, signal)
        return signal

    def _settle(self, asked: _Asked, signal: Signal | None, result: str) -> None:
        if signal is None:
            self._count("no_verdict")
            return
        try:
            self._found.put_nowait(self._verdicts.fact_of(signal, asked.shown_by, asked.session_id, self._share))
            self._count(result)
        except queue.Full:
            self._count("queue_full")

    def _failed(self) -> None:
        self._count("failed")
        self._failures += 1
        if self._failures == 1:
            _log.exception("annotator %s failed", self._annotator.name)
        if self._failures >= FAILURES_IN_A_ROW:
            self._failures = 0
            self._rests_until_ns = monotonic_ns() + REST_NS
            _log.error("annotator %s failed %d times in a row and rests", self._annotator.name, FAILURES_IN_A_ROW)

    def _count(self, result: str) -> None:
        self._metrics.add("backtalk.annotator.questions", annotator=self._annotator.name, result=result)
