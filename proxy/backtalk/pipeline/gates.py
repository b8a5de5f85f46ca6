"""Whether a pipeline fires: pure.

In: its trigger, and figures. Out: a verdict with every gate, its figures and a sentence. The one rule: nothing fires
without new facts; more facts and more time never close a gate, only the statistics can.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from backtalk.clock import NS_PER_S
from backtalk.pipeline.sections import Statistics, Trigger
from backtalk.quality.two_shares import Sums, change


class Figures(NamedTuple):
    """What is known at one moment."""

    now_ns: int
    last_ns: int | None
    """When the last run began."""
    new_facts: int
    newest_ns: int
    """When the newest of them came."""
    then: Sums = Sums()
    """The metric before the last run."""
    now: Sums = Sums()


class Gate(NamedTuple):
    """One condition, whether it holds, and by which figures."""

    name: str
    is_open: bool
    sentence: str
    figures: Mapping[str, Any] = {}


class Verdict(NamedTuple):
    """All gates together."""

    fires: bool
    gates: tuple[Gate, ...]

    @property
    def why(self) -> str:
        """What opened it, or what keeps it shut."""
        return "; ".join(gate.sentence for gate in self.gates if gate.is_open == self.fires)

    @property
    def document(self) -> dict[str, Any]:
        """The verdict as JSON."""
        gates = [
            {"gate": gate.name, "open": gate.is_open, "sentence": gate.sentence, **gate.figures} for gate in self.gates
        ]
        return {"fires": self.fires, "gates": gates}


def decide(trigger: Trigger, figures: Figures) -> Verdict:
    """Look at every gate."""
    gates: tuple[Gate, ...] = (_facts(trigger, figures), _interval(trigger, figures))
    if trigger.statistics is not None:
        gates += (_statistics(trigger, trigger.statistics, figures),)
    return Verdict(all(gate.is_open for gate in gates), gates)


def _facts(trigger: Trigger, figures: Figures) -> Gate:
    enough = figures.new_facts >= max(trigger.min_new_facts, 1)
    since = "ever" if figures.last_ns is None else "since the last run"
    sentence = f"{figures.new_facts} signals and feedback {since}, {trigger.min_new_facts} are wanted"
    counts = {"new_facts": figures.new_facts, "min_new_facts": trigger.min_new_facts}
    return Gate("facts", enough, sentence, counts)


def _interval(trigger: Trigger, figures: Figures) -> Gate:
    wanted = {"min_interval_s": trigger.min_interval_s}
    if figures.last_ns is None:
        return Gate("interval", True, "there was no run before", wanted)
    passed_s = _passed_s(figures)
    sentence = f"the last run began {passed_s:.0f} s ago, {trigger.min_interval_s:g} s are wanted"
    return Gate("interval", passed_s >= trigger.min_interval_s, sentence, {"passed_s": passed_s, **wanted})


def _statistics(trigger: Trigger, asked: Statistics, figures: Figures) -> Gate:
    if figures.last_ns is None:
        return Gate("statistics", True, "there was no run before to compare with")
    found = change(figures.then, figures.now, asked.confidence)
    counts = {
        "metric": asked.metric,
        "then": _share(figures.then),
        "now": _share(figures.now),
        "change": round(found.estimate, 6),
        "low": round(found.low, 6),
        "high": round(found.high, 6),
        "confidence": asked.confidence,
        "min_change": asked.min_change,
    }
    grown = bool(figures.then.n and figures.now.n) and found.low > asked.min_change
    sentence = (
        f"{asked.metric} {figures.then.share:.3f} (n={figures.then.n}) -> {figures.now.share:.3f} (n={figures.now.n}): "
        f"{found.estimate:+.3f}, {asked.confidence:.0%} interval {found.low:+.3f} to {found.high:+.3f}, "
        f"{'above' if grown else 'not above'} {asked.min_change:g}"
    )
    if not grown and trigger.max_interval_s is not None and _passed_s(figures) >= trigger.max_interval_s:
        late = f"{sentence}; but the last run began more than {trigger.max_interval_s:g} s ago"
        return Gate("statistics", True, late, counts)
    return Gate("statistics", grown, sentence, counts)


def _share(sums: Sums) -> dict[str, Any]:
    return {"share": round(sums.share, 6), "n": sums.n, "sessions": sums.sessions}


def _passed_s(figures: Figures) -> float:
    return (figures.now_ns - (figures.last_ns or 0)) / NS_PER_S
