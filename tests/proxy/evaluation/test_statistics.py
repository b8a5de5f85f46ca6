"""Intervals hold what they promise, at small numbers too."""

import random
from collections.abc import Callable, Sequence
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.evaluation.statistics import Estimate, difference, mean, sign_test, student_t

REPEATS = 1000
Draw = Callable[[random.Random], Sequence[float]]


def coverage(draw: Draw, truth: float, groups: int, estimate: Callable[..., Estimate]) -> float:
    """How often the interval holds the truth, over data drawn anew, group by group."""
    source = random.Random(20261126)  # noqa: S311 -- draws data, not keys
    held = 0
    for _ in range(REPEATS):
        drawn = [draw(source) for _ in range(groups)]
        values = [value for group in drawn for value in group]
        found = estimate(values, [number for number, group in enumerate(drawn) for _ in group])
        held += found.low - 1e-9 <= truth <= found.high + 1e-9
    return held / REPEATS


def wins_and_losses(loss: float, win: float, *, size: int = 1, alike: float = 0.0) -> Draw:
    """Groups of differences of 0/1 scores; with `alike` a case repeats the first of its group."""

    def draw(source: random.Random) -> Sequence[float]:
        found: list[float] = []
        for _ in range(size):
            if found and source.random() < alike:
                found.append(found[0])
                continue
            place = source.random()
            found.append(1.0 if place < win else -1.0 if place < win + loss else 0.0)
        return found

    return draw


@pytest.mark.parametrize("groups", [5, 10, 20, 50])
@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        (wins_and_losses(0.05, 0.05), 0.0),
        (wins_and_losses(0.1, 0.3), 0.2),
        (wins_and_losses(0.02, 0.2), 0.18),
        (wins_and_losses(0.3, 0.3), 0.0),
        (wins_and_losses(0.1, 0.3, size=5, alike=0.6), 0.2),
    ],
)
def test_the_difference_is_in_its_interval_as_often_as_it_says(draw: Draw, truth: float, groups: int) -> None:
    """95 per cent, within what 1,000 draws can tell; also where cases of one session say the same."""
    assert coverage(draw, truth, groups, difference) >= 0.93


@pytest.mark.parametrize("groups", [5, 10, 20, 50])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.8, 0.95])
def test_the_mean_is_in_its_interval_as_often_as_it_says(share: float, groups: int) -> None:
    """Near 0 and 1 too, where the usual interval fails."""
    assert coverage(lambda source: [float(source.random() < share)], share, groups, mean) >= 0.93


def test_cases_of_one_session_are_no_independent_witnesses() -> None:
    """Without groups, forty cases of eight sessions would claim to know more than they do."""

    def as_if_independent(values: Sequence[float], groups: Sequence[int]) -> Estimate:
        return difference(values, range(len(groups)))

    draw = wins_and_losses(0.1, 0.3, size=5, alike=0.9)
    blind = coverage(draw, 0.2, 8, as_if_independent)
    assert blind < 0.9 < coverage(draw, 0.2, 8, difference)


@given(st.lists(st.sampled_from((-1.0, -0.5, 0.0, 0.5, 1.0)), max_size=30))
def test_a_difference_lies_in_its_interval_and_the_other_way_round_it_is_mirrored(values: list[float]) -> None:
    """Whoever is called the candidate."""
    groups = list(range(len(values)))
    one, other = difference(values, groups), difference([-value for value in values], groups)
    assert one.low <= (one.value or 0.0) <= one.high
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert sign_test(values, groups) == sign_test([-value for value in values], groups)


def test_nothing_seen_is_nothing_known() -> None:
    """The interval is the whole scale, and so it nearly is for one case."""
    assert mean([], []) == (None, 0.0, 1.0, 0, 0)
    assert difference([], [])[:3] == (None, -1.0, 1.0)
    assert difference([1.0], [0])[1:3] == (-1.0, 1.0)


def test_a_perfect_score_is_not_certainty() -> None:
    """Ten right of ten leave room below."""
    found = mean([1.0] * 10, list(range(10)))
    assert found.value == found.high == 1.0
    assert 0.5 < found.low < 0.8


def test_the_sign_test_is_mcnemars_without_groups() -> None:
    """Nine wins and one loss: 2 (C(10,0) + C(10,1)) / 2^10; ties say nothing; nothing at all is 1."""
    values = [1.0] * 9 + [-1.0] + [0.0] * 30
    assert sign_test(values, list(range(40))) == 2 * (comb(10, 0) + comb(10, 1)) / 2**10
    assert sign_test([0.0], [0]) == sign_test([], []) == 1.0


def test_the_sign_test_counts_a_session_once() -> None:
    """Ten wins of one session are one win."""
    assert sign_test([1.0] * 10, [0] * 10) == 1.0


@pytest.mark.parametrize(("degrees", "quantile"), [(1, 12.706), (4, 2.776), (5, 2.571), (10, 2.228), (30, 2.042)])
def test_students_t_is_that_of_the_tables(degrees: int, quantile: float) -> None:
    """To two parts in a thousand."""
    assert student_t(degrees) == pytest.approx(quantile, abs=0.004)
