"""Fitted weights: those of the world where there are many cases, the priors where there are few."""

import random
from math import exp

import pytest

from backtalk.datasets.fitting import Case, fit_weights

TRUE = {"rating.up": 2.4, "rating.down": -3.0, "signal.stop": 0.0}
PRIORS = {"rating.up": 1.4, "rating.down": -2.3, "signal.stop": -0.36, "score": 2.0}


def world(count: int, *, base: float = 1.0, seed: int = 7) -> list[Case]:
    """Cases of a world where facts come by chance and weigh what they weigh; four answers a session."""
    chance = random.Random(seed)  # noqa: S311 -- a simulation
    cases: list[Case] = []
    for number in range(count):
        amounts = {name: 1.0 for name in TRUE if chance.random() < 0.4}
        score = base + sum(TRUE[name] * amount for name, amount in amounts.items())
        cases.append(Case(f"s{number // 4}", chance.random() < 1 / (1 + exp(-score)), amounts))
    return cases


def test_many_cases_find_the_weights_of_the_world() -> None:
    """Each within its interval, which is narrow; how many cases speak of it stands beside it."""
    found = fit_weights(world(2_000), PRIORS)
    for name, truth in TRUE.items():
        weight = found.weights[name]
        assert weight.low < truth < weight.high
        assert weight.high - weight.low < 1.0
        assert weight.cases > 700
    assert found.is_better
    assert found.after.calibration_error < 0.05


def test_few_cases_leave_the_priors() -> None:
    """Ten answers say next to nothing, and their interval is about the prior's own."""
    found = fit_weights(world(10), PRIORS)
    for name, weight in found.weights.items():
        assert abs(weight.value - PRIORS[name]) < 0.7
        assert weight.high - weight.low > 1.5


def test_what_no_case_speaks_of_is_not_fitted() -> None:
    """Its prior stays, and nothing is claimed of it."""
    assert "score" not in fit_weights(world(50), PRIORS).weights
    assert fit_weights([Case("s", good=True, amounts={"new": 1.0})], PRIORS).weights == {}


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """In 12 worlds whose weights are drawn around the priors, in 95 of 100 cases, give or take."""
    hits = total = 0
    for seed in range(12):
        found = fit_weights(world(200, seed=seed), PRIORS | {"rating.up": 2.0, "rating.down": -2.8})
        hits += sum(found.weights[name].low < truth < found.weights[name].high for name, truth in TRUE.items())
        total += len(TRUE)
    assert hits / total > 0.85


def test_weights_do_not_carry_the_share_of_good_answers() -> None:
    """Where answers with a verdict are mostly good, a thumb weighs what it weighs."""
    often, seldom = (fit_weights(world(2_000, base=base), PRIORS).weights["rating.up"] for base in (2.0, -1.0))
    assert often.value == pytest.approx(seldom.value, abs=0.6)


def test_priors_that_are_right_are_not_made_better() -> None:
    """A fit on noise foretells nothing, and that is seen on sessions that it did not see."""
    right = fit_weights(world(300), dict(TRUE))
    assert right.after.log_loss > right.before.log_loss - 0.005


def test_a_session_is_judged_by_what_others_showed() -> None:
    """A session whose facts mean the opposite does not judge itself."""
    odd = [Case("odd", good=False, amounts={"rating.up": 1.0}) for _ in range(12)]
    found = fit_weights([*world(200), *odd], PRIORS)
    assert found.after.brier > 0.12


def test_cases_that_leave_no_doubt_do_not_run_away() -> None:
    """Where every thumb up was a good answer, the prior keeps its weight finite."""
    cases = [
        Case(f"s{number}", good=bool(number % 2), amounts={"rating.up": float(number % 2)}) for number in range(400)
    ]
    weight = fit_weights(cases, PRIORS).weights["rating.up"]
    assert 1.4 < weight.value < 8
    assert fit_weights(cases, PRIORS) == fit_weights(cases, PRIORS)
