"""Platt scaling: two numbers turn a score into a probability, fitted on outcomes.

In: scores (log-odds) and what turned out. Out: slope and intercept. Targets are smoothed as Platt (1999) has them, so
few cases give no certainty; the fit is Newton's method, the same to the last digit on every machine.
"""

from collections.abc import Sequence
from math import exp, log
from typing import Final

import msgspec

_LIMIT: Final = 30.0
_ROUNDS: Final = 50
_RIDGE: Final = 1e-6
_EDGE: Final = 1e-9


class Platt(msgspec.Struct, frozen=True):
    """A calibration; the default changes nothing."""

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, probability: float) -> float:
        """The calibrated probability."""
        return logistic(self.intercept + self.slope * log_odds(probability))


def logistic(score: float) -> float:
    """The probability of a log-odds score."""
    return 1 / (1 + exp(-max(-_LIMIT, min(_LIMIT, score))))


def log_odds(probability: float) -> float:
    """The score of a probability, bounded away from the ends."""
    inside = max(_EDGE, min(1 - _EDGE, probability))
    return log(inside / (1 - inside))


def fit(scores: Sequence[float], outcomes: Sequence[bool]) -> Platt:
    """The maximum-likelihood calibration of the scores; raises `ValueError` where one outcome is missing."""
    yes, no = sum(outcomes), len(outcomes) - sum(outcomes)
    if not yes or not no:
        raise ValueError("a calibration needs both outcomes")
    high, low = (yes + 1) / (yes + 2), 1 / (no + 2)
    targets = [high if outcome else low for outcome in outcomes]
    slope, intercept = 0.0, log((yes + 1) / (no + 1))
    for _ in range(_ROUNDS):
        step = _newton(scores, targets, slope, intercept)
        slope, intercept = slope - step[0], intercept - step[1]
        if abs(step[0]) + abs(step[1]) < _EDGE:
            break
    return Platt(slope, intercept)


def expected_error(probabilities: Sequence[float], outcomes: Sequence[bool], bins: int = 10) -> float:
    """The expected calibration error: mean distance of claimed and found share over equal-width bins, by their size."""
    cells: dict[int, list[tuple[float, bool]]] = {}
    for probability, outcome in zip(probabilities, outcomes, strict=True):
        cells.setdefault(min(int(probability * bins), bins - 1), []).append((probability, outcome))
    gaps = [abs(sum(p for p, _ in cell) - sum(found for _, found in cell)) for cell in cells.values()]
    return sum(gaps) / max(len(outcomes), 1)


def _newton(scores: Sequence[float], targets: Sequence[float], slope: float, intercept: float) -> tuple[float, float]:
    g_slope = g_intercept = h_ss = h_si = h_ii = 0.0
    for score, target in zip(scores, targets, strict=True):
        p = logistic(intercept + slope * score)
        miss, spread = p - target, p * (1 - p)
        g_slope += miss * score
        g_intercept += miss
        h_ss += spread * score * score
        h_si += spread * score
        h_ii += spread
    h_ss, h_ii = h_ss + _RIDGE, h_ii + _RIDGE
    span = h_ss * h_ii - h_si * h_si
    return (h_ii * g_slope - h_si * g_intercept) / span, (h_ss * g_intercept - h_si * g_slope) / span
