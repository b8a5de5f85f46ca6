"""Annotators at work: sampled, bounded, beside the worker, and off its way."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

from backtalk.detect.annotations import Annotations
from backtalk.model.facts import CallClosed, CallOpened
from backtalk.model.session import SessionView
from backtalk.plugin.protocols import Question, Signal
from backtalk.settings import AnnotateSettings
from backtalk.telemetry import Metrics
from backtalk.testing import factories
from backtalk.testing.dialogue import SECRET, Dialogue, Stage
from backtalk.testing.waiting import wait_until


class Opinion:
    """Judges every next turn as its function says."""

    name: ClassVar[str] = "opinion"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    revision = "m1"

    def __init__(self, judge: Callable[[Question], Signal | None]) -> None:
        self.asked: list[Question] = []
        self._judge = judge

    def question(self, fact: CallOpened, session: SessionView) -> Question | None:  # noqa: ARG002  # the session says all
        """About any answer that is continued."""
        parent = session.parent
        return None if parent is None else Question(parent.key, parent.user_text, parent.answer_text, session.user_text)

    def annotate(self, question: Question) -> Signal | None:
        """As the function says."""
        self.asked.append(question)
        return self._judge(question)


def unhappy(question: Question) -> Signal:
    """Always a correction."""
    return Signal("correction", question.about, 0.7, {"verdict": "correction"})


class Work:
    """A stage whose annotator is counted."""

    def __init__(self, judge: Callable[[Question], Signal | None] = unhappy, **settings: Any) -> None:
        self.metrics = Metrics("worker")
        self.annotator = Opinion(judge)
        settings_of = AnnotateSettings.model_validate({"annotators": ("opinion",), "turn_share": 1.0, **settings})
        self.annotations = Annotations([self.annotator], settings_of, SECRET, self.metrics)
        self.stage = Stage(detectors=[], annotations=self.annotations)

    def talk(self, *texts: str, **how: Any) -> None:
        """One dialogue."""
        chat = Dialogue(self.stage, **how)
        for text in texts:
            chat.says(text)

    def count(self, result: str) -> float:
        """How many questions ended so."""
        return self.metrics.snapshot().value("backtalk.annotator.questions", annotator="opinion", result=result)

    def settled(self, **counts: int) -> None:
        """Wait until so many questions have ended so."""
        for result, count in counts.items():
            wait_until(partial(self._is, result, count), what=f"{count} questions to be {result}")

    def _is(self, result: str, count: int) -> bool:
        return self.count(result) == count


def test_a_verdict_becomes_a_fact_when_the_desk_next_looks() -> None:
    """With its own detector and version, the model among it, and the share that was asked about."""
    work = Work()
    work.talk("How do tides work?", "And on a lake?")
    work.settled(answered=1)
    work.stage.wait(1)
    [signal] = work.stage.signals
    assert (signal.detector, signal.detector_version, signal.provenance) == ("opinion", "1.0+m1", "llm")
    assert signal.evidence == {"verdict": "correction", "turn_share": 1.0}
    assert signal.found_ns == max(fact.opened.opened_ns for fact in work.stage.facts if isinstance(fact, CallClosed))


def test_a_model_that_does_not_answer_delays_nobody() -> None:
    """The worker goes on; what does not fit into the queue is dropped and counted."""
    answer = threading.Event()

    def slow(question: Question) -> Signal:
        answer.wait(30)
        return unhappy(question)

    work = Work(slow, queue_limit=2)
    work.talk("How do tides work?", *(f"And on lake {n}?" for n in range(10)))
    wait_until(lambda: len(work.annotator.asked) == 1)
    assert work.stage.signals == []
    assert work.count("queue_full") >= 7
    answer.set()
    wait_until(lambda: work.count("answered") + work.count("queue_full") == 10)


def test_a_model_that_fails_rests() -> None:
    """After five failures in a row nobody is asked for a while."""

    def broken(question: Question) -> Signal:
        raise ConnectionError(question.next_text)

    work = Work(broken)
    work.talk("How do tides work?", *(f"And on lake {n}?" for n in range(8)))
    work.settled(failed=5, resting=3)
    assert work.stage.signals == []


def test_a_budget_is_kept() -> None:
    """So many questions an hour and no more."""
    work = Work(hourly_limit=3)
    work.talk("How do tides work?", *(f"And on lake {n}?" for n in range(8)))
    work.settled(answered=3, over_budget=5)


def test_the_same_texts_are_asked_about_once() -> None:
    """Each call gets its verdict all the same; another tenant's are asked about anew."""
    work = Work()
    for tenant, user in (("a", "u1"), ("a", "u2"), ("b", "u1")):
        work.talk("How do tides work?", "And on a lake?", tenant=tenant, end_user=user)
    work.settled(answered=2, cached=1)
    work.stage.wait(1)
    assert len({signal.about for signal in work.stage.signals}) == 3
    assert len(work.annotator.asked) == 2


def test_no_verdict_is_counted_and_no_signal() -> None:
    """Whatever the model said, it was not in the asked form."""
    work = Work(lambda _: None)
    work.talk("How do tides work?", "And on a lake?")
    work.settled(no_verdict=1)
    work.stage.wait(1)
    assert work.stage.signals == []


def test_what_no_fact_can_hold_is_a_failure() -> None:
    """A plugin is not trusted with a probability of two."""
    work = Work(lambda question: Signal("correction", question.about, 2.0))
    work.talk("How do tides work?", "And on a lake?")
    work.settled(failed=1)


def test_the_share_is_drawn_by_a_key() -> None:
    """About as many as was said, the same ones each time, and next to none for next to nothing."""
    calls = [factories.opened("And on a lake?", at_s=n) for n in range(400)]
    view = factories.view(user_text="And on a lake?", parent=factories.turn("How do tides work?"))
    first, second, none = (_drawn(share, calls, view) for share in (0.25, 0.25, 1e-12))
    assert first == second
    assert 60 < len(first) < 140
    assert none == set()


def _drawn(share: float, calls: Sequence[CallOpened], view: SessionView) -> set[str]:
    """The calls that were picked: each is offered, and the annotator says what it was asked to pick from."""
    picked: set[str] = set()

    class Picking(Opinion):
        def question(self, fact: CallOpened, session: SessionView) -> Question | None:
            picked.add(fact.span_id)
            return super().question(fact, session)

    settings = AnnotateSettings(annotators=("opinion",), turn_share=share)
    annotations = Annotations([Picking(unhappy)], settings, SECRET, Metrics("worker"))
    for call in calls:
        annotations.offer(call, view)
    return picked


def test_what_waits_is_forgotten_when_texts_are_erased() -> None:
    """Only the question that was under way is answered; what comes later is asked as ever."""
    answer = threading.Event()

    def slow(question: Question) -> Signal:
        answer.wait(30)
        return unhappy(question)

    work = Work(slow, queue_limit=20)
    work.talk("How do tides work?", *(f"And on lake {n}?" for n in range(5)))
    wait_until(lambda: len(work.annotator.asked) == 1)
    work.annotations.forget()
    answer.set()
    work.settled(erased=4, answered=1)
    work.talk("Who wrote Solaris?", "And when was it?")
    work.settled(answered=2)
    assert len(work.annotator.asked) == 2
