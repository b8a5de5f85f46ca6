"""Fits weights to what turned out: logistic regression with a normal prior around each stated weight. Pure.

In: cases, each an answer with its verdict and what else was said of it. Out: weights with intervals, and how well they
judge answers of sessions that they were not fitted on. The one rule: where there are few cases the prior stands. A
share of good answers of its own is fitted beside them and given to both sides of a comparison, for which answers get a
verdict is not chance.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import log, sqrt
from typing import Final, NamedTuple

from backtalk.datasets.places import place
from backtalk.text.platt import expected_error, logistic

PRIOR_SD: Final = 0.7
"""How far a weight is from its prior, before anything is known; a thumb up is then worth 0.0 to 2.8 with 95%."""
_BASE_SD: Final = 5.0
_FOLDS: Final = 5
_ROUNDS: Final = 50
_EDGE: Final = 1e-9
_Z: Final = 1.959964
_BASE: Final = ""
"""The share of good answers stands among the weights under the empty name."""


class Case(NamedTuple):
    """An answer of which it is known whether it was good, and by how much of each weight it was spoken of."""

    session: str
    good: bool
    amounts: Mapping[str, float]


class FittedWeight(NamedTuple):
    """A weight with its 95% interval, and how many cases speak of it."""

    prior: float
    value: float
    low: float
    high: float
    cases: int


class Judgement(NamedTuple):
    """How well verdicts were foretold: lower is better in all of them."""

    log_loss: float
    brier: float
    calibration_error: float


class Fitting(NamedTuple):
    """What a fit gave."""

    weights: Mapping[str, FittedWeight]
    cases: int
    good: int
    sessions: int
    before: Judgement
    """The priors, on sessions that were held out."""
    after: Judgement
    """The fitted weights, on the same sessions, each time fitted without them."""

    @property
    def is_better(self) -> bool:
        """Whether the fitted weights foretold the verdicts of held-out sessions better."""
        return self.after.log_loss < self.before.log_loss


def fit_weights(cases: Sequence[Case], priors: Mapping[str, float]) -> Fitting:
    """Fit all weights that cases speak of, and judge them on held-out sessions."""
    counts = Counter(name for case in cases for name, amount in case.amounts.items() if amount)
    names = [name for name in priors if counts[name]]
    best, variances = _fit(cases, {name: priors[name] for name in names}, PRIOR_SD)
    weights = {name: _with_interval(priors[name], best[name], sqrt(variances[name]), counts[name]) for name in names}
    before, after = _held_out(cases, {name: priors[name] for name in names})
    sessions = len({case.session for case in cases})
    return Fitting(weights, len(cases), sum(case.good for case in cases), sessions, before, after)


def _with_interval(prior: float, value: float, sd: float, cases: int) -> FittedWeight:
    return FittedWeight(prior, value, value - _Z * sd, value + _Z * sd, cases)


def _held_out(cases: Sequence[Case], priors: Mapping[str, float]) -> tuple[Judgement, Judgement]:
    """Every session is judged once, by what was fitted on the others."""
    before: list[tuple[float, bool]] = []
    after: list[tuple[float, bool]] = []
    for fold in range(_FOLDS):
        out = [case for case in cases if _fold(case) == fold]
        others = [case for case in cases if _fold(case) != fold]
        if out and others:
            for told, sd in ((before, _EDGE), (after, PRIOR_SD)):
                weights, _ = _fit(others, priors, sd)
                told.extend((logistic(_score(weights, case)), case.good) for case in out)
    return _judged(before), _judged(after)


def _fold(case: Case) -> int:
    return int(place("weights", case.session) * _FOLDS)


def _judged(told: Sequence[tuple[float, bool]]) -> Judgement:
    probabilities, outcomes = [p for p, _ in told], [good for _, good in told]
    count = max(len(told), 1)
    loss = -sum(log(max(p if good else 1 - p, _EDGE)) for p, good in told) / count
    return Judgement(loss, sum((p - good) ** 2 for p, good in told) / count, expected_error(probabilities, outcomes))


def _fit(cases: Sequence[Case], priors: Mapping[str, float], sd: float) -> tuple[dict[str, float], dict[str, float]]:
    """The most probable weights and their variances, by Newton's method with halved steps."""
    means = {_BASE: 0.0, **priors}
    precisions = {name: 1 / (_BASE_SD if name == _BASE else sd) ** 2 for name in means}
    weights, loss = dict(means), _loss(cases, means, means, precisions)
    names = list(means)
    for _ in range(_ROUNDS):
        gradient, hessian = _slopes(cases, weights, means, precisions)
        step = _solved(hessian, gradient)
        weights, change = _stepped(cases, weights, dict(zip(names, step, strict=True)), loss, means, precisions)
        loss -= change
        if change < _EDGE * max(abs(loss), 1.0):
            break
    _, hessian = _slopes(cases, weights, means, precisions)
    unit = range(len(names))
    variances = [_solved(hessian, [float(row == column) for row in unit])[column] for column in unit]
    return weights, dict(zip(names, variances, strict=True))


def _stepped(
    cases: Sequence[Case],
    weights: Mapping[str, float],
    step: Mapping[str, float],
    loss: float,
    means: Mapping[str, float],
    precisions: Mapping[str, float],
) -> tuple[dict[str, float], float]:
    """The weights after a step that makes the loss smaller, and by how much; unchanged where none does."""
    share = 1.0
    while share > _EDGE:
        tried = {name: value - share * step[name] for name, value in weights.items()}
        change = loss - _loss(cases, tried, means, precisions)
        if change >= 0:
            return tried, change
        share /= 2
    return dict(weights), 0.0


def _score(weights: Mapping[str, float], case: Case) -> float:
    return weights[_BASE] + sum(weights[name] * amount for name, amount in case.amounts.items() if name in weights)


def _loss(
    cases: Sequence[Case], weights: Mapping[str, float], means: Mapping[str, float], precisions: Mapping[str, float]
) -> float:
    misses = sum(
        log(max(p if case.good else 1 - p, _EDGE)) for case in cases for p in (logistic(_score(weights, case)),)
    )
    return sum(precisions[name] * (weights[name] - means[name]) ** 2 for name in means) / 2 - misses


def _slopes(
    cases: Sequence[Case], weights: Mapping[str, float], means: Mapping[str, float], precisions: Mapping[str, float]
) -> tuple[list[float], list[list[float]]]:
    """The gradient and the curvature of the loss."""
    places = {name: number for number, name in enumerate(means)}
    gradient = [precisions[name] * (weights[name] - means[name]) for name in means]
    hessian = [[precisions[name] if row == places[name] else 0.0 for name in means] for row in range(len(means))]
    for case in cases:
        p = logistic(_score(weights, case))
        told = [(0, 1.0), *((places[name], amount) for name, amount in case.amounts.items() if name in places)]
        for row, amount in told:
            gradient[row] += (p - case.good) * amount
            for column, other in told:
                hessian[row][column] += p * (1 - p) * amount * other
    return gradient, hessian


def _solved(matrix: Sequence[Sequence[float]], values: Sequence[float]) -> list[float]:
    """The solution of a symmetric, positive system, by Cholesky's factors."""
    size = len(values)
    factor = [[0.0] * size for _ in range(size)]
    for row in range(size):
        for column in range(row + 1):
            rest = matrix[row][column] - sum(factor[row][k] * factor[column][k] for k in range(column))
            factor[row][column] = sqrt(rest) if row == column else rest / factor[column][column]
    half: list[float] = []
    for row in range(size):
        half.append((values[row] - sum(factor[row][k] * half[k] for k in range(row))) / factor[row][row])
    found = [0.0] * size
    for row in reversed(range(size)):
        above = sum(factor[k][row] * found[k] for k in range(row + 1, size))
        found[row] = (half[row] - above) / factor[row][row]
    return found
