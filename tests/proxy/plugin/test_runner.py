"""The runner: a detector that fails harms nobody."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from backtalk.model.meter import NoMeter
from backtalk.plugin import CallClosed, CallOpened, SessionView, Signal
from backtalk.plugin.runner import FAILURES_IN_A_ROW, DetectorRunner
from backtalk.testing import factories

ABOUT = factories.call_key(1)


class Finds:
    """Finds one signal in everything."""

    name: ClassVar[str] = "finds"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1"

    def __init__(self, probability: float = 0.5, evidence: Any = None) -> None:
        self._signal = Signal("found", ABOUT, probability, evidence or {})

    def observe(self, fact: CallOpened | CallClosed, session: SessionView) -> Sequence[Signal]:
        """The signal."""
        del fact, session
        return (self._signal,)


class Fails:
    """Fails each time, and counts."""

    name: ClassVar[str] = "fails"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1"

    def __init__(self) -> None:
        self.asked = 0

    def observe(self, fact: CallOpened | CallClosed, session: SessionView) -> Sequence[Signal]:
        """No luck."""
        del fact, session
        self.asked += 1
        raise RuntimeError("no luck")


class Counts(NoMeter):
    """Adds up what is counted."""

    def __init__(self) -> None:
        self.sums: Counter[str] = Counter()

    def add(self, name: str, n: float = 1, /, **labels: object) -> None:
        """Add up."""
        del labels
        self.sums[name] += int(n)


def test_the_others_go_on_when_one_fails() -> None:
    """Its failure is counted; their signals come, in their order."""
    metrics = Counts()
    runner = DetectorRunner([Finds(), Fails(), Finds()], metrics)
    found = runner.observe(factories.opened("Hi"), factories.view())

    assert [detector.name for detector, _ in found] == ["finds", "finds"]
    assert metrics.sums["backtalk.detector.failures"] == 1


def test_a_detector_rests_after_five_failures_in_a_row(caplog: pytest.LogCaptureFixture) -> None:
    """It is not asked again for a while, and that is said."""
    failing = Fails()
    runner = DetectorRunner([failing], NoMeter())
    for _ in range(20):
        runner.observe(factories.opened("Hi"), factories.view())

    assert failing.asked == FAILURES_IN_A_ROW
    assert [record for record in caplog.records if "rests" in record.getMessage()]


def test_failures_are_not_all_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Thousands of equal lines help nobody."""
    runner = DetectorRunner([Fails()], NoMeter())
    for _ in range(4):
        runner.observe(factories.opened("Hi"), factories.view())

    assert len([record for record in caplog.records if record.exc_info]) == 1


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_an_impossible_probability_is_a_failure(probability: float) -> None:
    """It never gets into a fact."""
    metrics = Counts()
    assert not DetectorRunner([Finds(probability)], metrics).observe(factories.opened("Hi"), factories.view())
    assert metrics.sums["backtalk.detector.failures"] == 1


@pytest.mark.parametrize(
    "evidence", [{"x": b"bytes"}, {"x": {1, 2}}, {"x": [1]}, {"x": object()}, {"x": 1 << 70}, {"x": "\ud800"}, {1: "x"}]
)
def test_evidence_that_the_journal_would_not_give_back_is_a_failure(evidence: Any) -> None:
    """Written or not, it would cost the whole entry, with the calls and the feedback in it."""
    metrics = Counts()
    runner = DetectorRunner([Finds(evidence=evidence), Finds(evidence={"x": 1, "y": "z"})], metrics)
    found = runner.observe(factories.opened("Hi"), factories.view())
    assert [signal.evidence for _, signal in found] == [{"x": 1, "y": "z"}]
    assert metrics.sums["backtalk.detector.failures"] == 1
