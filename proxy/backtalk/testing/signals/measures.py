"""Measures of scored rows, each with an interval: area under the curve, recall at a precision, precision and recall.

In: scores and truths. Out: numbers. Intervals are percentile bootstraps over rows with a fixed seed.
"""

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Final, NamedTuple, TypeVar

RESAMPLES: Final = 200
_SEED: Final = 20
_Row = TypeVar("_Row")


class Figure(NamedTuple):
    """A value, its 95% interval, and over how many rows."""

    metric: str
    value: float
    low: float
    high: float
    rows: int


class Rates(NamedTuple):
    """Precision and recall of claims."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def auc(rows: Sequence[tuple[float, bool]]) -> float:
    """The share of pairs of a true and a false row that the scores put in order; ties count half."""
    ordered = sorted(rows)
    yes = sum(true for _, true in ordered)
    total, place = 0.0, 0
    while place < len(ordered):
        end = place
        while end < len(ordered) and ordered[end][0] == ordered[place][0]:
            end += 1
        total += sum(true for _, true in ordered[place:end]) * (place + end + 1) / 2
        place = end
    no = len(ordered) - yes
    return (total - yes * (yes + 1) / 2) / (yes * no) if yes and no else 0.5


def recall_at_precision(rows: Sequence[tuple[float, bool]], precision: float) -> float:
    """The most true rows that some threshold finds with at least this precision."""
    yes, found, best = sum(true for _, true in rows), 0, 0
    ordered = sorted(rows, reverse=True)
    for count, (score, true) in enumerate(ordered, 1):
        found += true
        last = count == len(ordered) or ordered[count][0] != score
        if last and found / count >= precision:
            best = found
    return best / max(yes, 1)


def rates(claims: Iterable[tuple[bool, bool]]) -> Rates:
    """Precision and recall of (claimed, true) rows."""
    hits = claimed = true = 0
    for said, is_true in claims:
        hits += said and is_true
        claimed += said
        true += is_true
    return Rates(hits / max(claimed, 1), hits / max(true, 1))


def figure(metric: str, rows: Sequence[_Row], measure: Callable[[Sequence[_Row]], float]) -> Figure:
    """A measure of the rows with its interval."""
    random, found = Random(_SEED), list[float]()  # noqa: S311  # a bootstrap is no secret
    for _ in range(RESAMPLES):
        found.append(measure(random.choices(rows, k=len(rows))))
    found.sort()
    low, high = found[int(0.025 * RESAMPLES)], found[int(0.975 * RESAMPLES) - 1]
    return Figure(metric, measure(rows), low, high, len(rows))
