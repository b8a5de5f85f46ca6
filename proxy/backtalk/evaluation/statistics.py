"""Means and paired differences with intervals that are honest at small numbers, and the exact sign test.

In: values, each with the group that it stands in (cases of one session or user are no independent witnesses). Out:
`Estimate`s. The one rule: no interval is narrower for want of data, so values at both ends of the scale are put beside
those that were seen (one pair for differences, as Bonett and Price do; two for means, as Agresti and Coull do), and the
spread is that of groups, against Student's t.
"""

from collections import defaultdict
from collections.abc import Sequence
from math import comb, sqrt
from typing import Final, NamedTuple

MEAN_ENDS: Final = (0.0, 1.0)
DIFFERENCE_ENDS: Final = (-1.0, 1.0)
_Z: Final = 1.959964
_T: Final = (12.706205, 4.302653, 3.182446, 2.776445)
"""Student's t at 97.5 per cent, by degrees of freedom from 1; beyond them a series is as good."""


class Estimate(NamedTuple):
    """A value with its 95% interval; `n` 0 says that nothing is known."""

    value: float | None
    low: float
    high: float
    n: int
    groups: int


def mean(values: Sequence[float], groups: Sequence[int]) -> Estimate:
    """The mean of scores between 0 and 1."""
    return _estimate(values, groups, MEAN_ENDS, pairs=2)


def difference(values: Sequence[float], groups: Sequence[int]) -> Estimate:
    """The mean of paired differences between -1 and 1."""
    return _estimate(values, groups, DIFFERENCE_ENDS, pairs=1)


def sign_test(values: Sequence[float], groups: Sequence[int]) -> float:
    """The chance that groups split between wins and losses as unevenly, were both as likely; ties say nothing.

    Of scores of 0 and 1 without groups it is McNemar's exact test.
    """
    sums = _sums(values, groups)
    wins = sum(total > 0 for total, _ in sums)
    losses = sum(total < 0 for total, _ in sums)
    n = wins + losses
    tail = sum(comb(n, k) for k in range(min(wins, losses) + 1))
    return min(1.0, 2 * tail / (1 << n))


def student_t(degrees: int) -> float:
    """The 97.5 per cent quantile of Student's t, to about four digits."""
    if degrees <= len(_T):
        return _T[max(degrees, 1) - 1]
    z = _Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / float(degrees) ** power for power, term in enumerate(terms, 1))


def _estimate(values: Sequence[float], groups: Sequence[int], ends: tuple[float, float], *, pairs: int) -> Estimate:
    low, high = ends
    if not values:
        return Estimate(None, low, high, 0, 0)
    seen = _sums(values, groups)
    beside = [(low, 1), (high, 1)] * pairs
    count = len(values) + len(beside)
    middle = (sum(values) + pairs * (low + high)) / count
    spread = sum((total - size * middle) ** 2 for total, size in (*seen, *beside))
    number = len(seen) + len(beside)
    half = student_t(len(seen) - 1) * sqrt(number / (number - 1) * spread) / count
    value = sum(values) / len(values)
    return Estimate(
        value, max(min(middle - half, value), low), min(max(middle + half, value), high), len(values), len(seen)
    )


def _sums(values: Sequence[float], groups: Sequence[int]) -> list[tuple[float, int]]:
    """The sum and the size of each group."""
    found: defaultdict[int, list[float]] = defaultdict(list)
    for value, group in zip(values, groups, strict=True):
        found[group].append(value)
    return [(sum(ones), len(ones)) for ones in found.values()]
