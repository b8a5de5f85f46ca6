"""Whether a pipeline fires."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backtalk.clock import NS_PER_S
from backtalk.pipeline.gates import Figures, decide
from backtalk.pipeline.sections import Statistics, Trigger
from backtalk.quality.two_shares import Sums

NOON_NS = 1_767_268_800 * NS_PER_S
ALL_BAD = Sums(400, 400, 400, 400, 400, 400)
HALF_BAD = Sums(400, 400, 200, 200, 200, 400)
TRIGGERS = st.builds(
    Trigger,
    min_new_facts=st.integers(1, 1_000),
    min_interval_s=st.floats(0, 1_000),
    max_interval_s=st.none() | st.floats(1_000, 10_000),
    statistics=st.none() | st.builds(Statistics, min_change=st.floats(0, 1), confidence=st.floats(0.51, 0.999)),
)
SUMS = st.tuples(st.integers(0, 100), st.integers(0, 100)).map(lambda pair: plain(max(pair), min(pair)))
FIGURES = st.builds(
    Figures,
    now_ns=st.integers(NOON_NS, NOON_NS + 20_000 * NS_PER_S),
    last_ns=st.none() | st.integers(NOON_NS - 5_000 * NS_PER_S, NOON_NS),
    new_facts=st.integers(0, 2_000),
    newest_ns=st.just(NOON_NS),
    then=SUMS,
    now=SUMS,
)


def plain(n: int, h: int) -> Sums:
    """Answers that each have a session of their own."""
    return Sums(n, n, h, h, h, n)


def figures(**fields: Any) -> Figures:
    """A day after the last run, with enough facts."""
    plain_ones: dict[str, Any] = {
        "now_ns": NOON_NS, "last_ns": NOON_NS - 86_400 * NS_PER_S, "new_facts": 200, "newest_ns": NOON_NS,
    }  # fmt: skip
    return Figures(**(plain_ones | fields))


@given(TRIGGERS, FIGURES)
def test_nothing_fires_without_new_facts(trigger: Trigger, found: Figures) -> None:
    """Whatever else is true."""
    assert not decide(trigger, found._replace(new_facts=0)).fires


@given(TRIGGERS, FIGURES, st.integers(0, 10**6), st.integers(0, 10**6))
def test_more_facts_and_more_time_never_close_it(trigger: Trigger, found: Figures, facts: int, time_s: int) -> None:
    """What fires now fires then."""
    later = found._replace(new_facts=found.new_facts + facts, now_ns=found.now_ns + time_s * NS_PER_S)
    assert decide(trigger, later).fires >= decide(trigger, found).fires


@given(TRIGGERS, FIGURES)
def test_a_verdict_says_why(trigger: Trigger, found: Figures) -> None:
    """It fires exactly where every gate is open, and names what opened or closed it."""
    verdict = decide(trigger, found)
    assert verdict.fires == all(gate.is_open for gate in verdict.gates)
    assert verdict.why
    assert [gate["open"] for gate in verdict.document["gates"]] == [gate.is_open for gate in verdict.gates]


def test_the_statistics_open_beyond_chance_alone() -> None:
    """A share that doubled does; the same change among ten answers, and one for the better, do not."""
    trigger = Trigger(statistics=Statistics())
    assert decide(trigger, figures(then=HALF_BAD, now=ALL_BAD)).fires
    assert not decide(trigger, figures(then=plain(10, 4), now=plain(10, 6))).fires
    assert not decide(trigger, figures(then=ALL_BAD, now=HALF_BAD)).fires
    assert not decide(trigger, figures(then=Sums(), now=ALL_BAD)).fires
    assert not decide(Trigger(statistics=Statistics(min_change=0.6)), figures(then=HALF_BAD, now=ALL_BAD)).fires


def test_the_statistics_say_estimate_interval_and_counts() -> None:
    """In the sentence and in the document."""
    (gate,) = decide(Trigger(statistics=Statistics()), figures(then=HALF_BAD, now=ALL_BAD)).gates[2:]
    assert "bad_share 0.500 (n=400) -> 1.000 (n=400): +0.500, 95% interval +0.450 to" in gate.sentence
    assert gate.figures["then"] == {"share": 0.5, "n": 400, "sessions": 400}
    assert gate.figures["low"] < 0.5 < gate.figures["high"]


def test_a_schedule_fires_whatever_the_statistics_say() -> None:
    """After the longest interval, if there are enough facts."""
    trigger = Trigger(max_interval_s=86_400, statistics=Statistics())
    assert decide(trigger, figures(then=HALF_BAD, now=HALF_BAD)).fires
    assert not decide(trigger, figures(then=HALF_BAD, now=HALF_BAD, new_facts=199)).fires


def test_the_first_run_needs_facts_alone() -> None:
    """There is nothing before it to compare with."""
    assert decide(Trigger(statistics=Statistics()), figures(last_ns=None)).fires
