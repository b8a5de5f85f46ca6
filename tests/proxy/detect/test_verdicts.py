"""What annotators said: remembered by its texts, within a budget."""

from typing import ClassVar

import msgspec

from backtalk.clock import NS_PER_S
from backtalk.detect.verdicts import Budget, Verdicts
from backtalk.model.facts import CallOpened
from backtalk.model.session import SessionView
from backtalk.plugin.protocols import Question, Signal
from backtalk.testing import factories

HOUR_NS = 3_600 * NS_PER_S


class Silent:
    """An annotator of two revisions that asks nothing."""

    name: ClassVar[str] = "silent"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"

    def __init__(self, revision: str = "m1") -> None:
        self.revision = revision

    def question(self, fact: CallOpened, session: SessionView) -> Question | None:
        """Nothing."""

    def annotate(self, question: Question) -> Signal | None:
        """Nothing."""


def question(next_text: str = "And on a lake?") -> Question:
    """About a call of its own."""
    return Question(factories.call_key(), "How do tides work?", "The moon.", next_text)


def test_the_same_texts_are_known_again_about_another_call() -> None:
    """Of the same tenant only."""
    verdicts, first, second = Verdicts(Silent(), b"s" * 32, 10), question(), question()
    verdicts.remember("a", first, Signal("correction", first.about, 0.7))
    assert verdicts.recall("a", second) == Signal("correction", second.about, 0.7)
    assert verdicts.recall("b", second) is None
    assert verdicts.recall("a", msgspec.structs.replace(first, next_text="Thanks!")) is None


def test_no_more_are_remembered_than_the_limit() -> None:
    """The oldest is forgotten."""
    verdicts, asked = Verdicts(Silent(), b"s" * 32, 2), [question(str(n)) for n in range(3)]
    for each in asked:
        verdicts.remember("a", each, Signal("correction", each.about, 0.7))
    assert [verdicts.recall("a", each) is not None for each in asked] == [False, True, True]


def test_a_fact_names_the_model_and_is_found_once() -> None:
    """However often it is asked; texts with lone surrogates are texts too."""
    call, asked = factories.opened("And on a lake?"), question("\ud800")
    one, other = Verdicts(Silent("m1"), b"s" * 32, 2), Verdicts(Silent("m2"), b"s" * 32, 2)
    signal = Signal("correction", asked.about, 0.7)
    one.remember("a", asked, signal)
    assert one.recall("a", asked) == signal
    facts = [verdicts.fact_of(signal, call, "5e55", 0.5) for verdicts in (one, one, other)]
    assert facts[0] == facts[1]
    assert [fact.detector_version for fact in facts] == ["1.0+m1", "1.0+m1", "1.0+m2"]
    assert facts[0].found_ns == call.opened_ns


def test_a_budget_is_of_an_hour() -> None:
    """And begins anew after it."""
    budget = Budget(2)
    assert [budget.take(at) for at in (0, 1, 2, HOUR_NS - 1, HOUR_NS)] == [True, True, False, False, True]
