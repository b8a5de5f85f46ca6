"""How far reviewers agree who labelled the same answers without seeing each other's labels.

In: labels by answer and reviewer. Out: the share of answers on which all agree, and Krippendorff's alpha, which takes
off what chance would agree on. Labels are compared as they are (nominal); one that could not be told is none.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Final, NamedTuple

from backtalk.quality.intervals import Share, wilson

_Z: Final = 1.959964


class Alpha(NamedTuple):
    """Krippendorff's alpha with its 95% interval (jackknife over answers): 1 agreement, 0 chance, below 0 worse."""

    value: float
    low: float
    high: float


class Agreement(NamedTuple):
    """What the labels of answers with at least two of them say. `alpha` is None where all labels are one value."""

    agreed: Share
    alpha: Alpha | None


def agreement(labels: Mapping[str, Mapping[str, object]]) -> Agreement:
    """The agreement of labels by answer and, within it, by reviewer."""
    told = [[value for value in by_reviewer.values() if value is not None] for by_reviewer in labels.values()]
    several = [_marked(values) for values in told if len(values) > 1]
    agreed = wilson(sum(len(set(values)) == 1 for values in several), len(several))
    return Agreement(agreed, _with_interval(several))


def _marked(values: Sequence[object]) -> list[tuple[str, object]]:
    """True and 1 are two labels."""
    return [(type(value).__name__, value) for value in values]


def _with_interval(units: Sequence[Sequence[object]]) -> Alpha | None:
    whole = _alpha(units)
    if whole is None:
        return None
    without = [_alpha([*units[:at], *units[at + 1 :]]) for at in range(len(units))]
    found = [value for value in without if value is not None]
    if len(found) < max(2, len(units) - 1):
        return Alpha(whole, -1.0, 1.0)
    middle = sum(found) / len(found)
    half = _Z * sqrt((len(found) - 1) / len(found) * sum((value - middle) ** 2 for value in found))
    return Alpha(whole, max(whole - half, -1.0), min(whole + half, 1.0))


def _alpha(units: Sequence[Sequence[object]]) -> float | None:
    """Krippendorff's alpha of nominal data (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability")."""
    totals = Counter(value for unit in units for value in unit)
    count = sum(totals.values())
    by_chance = count * count - sum(number * number for number in totals.values())
    if not by_chance:
        return None
    apart = sum((len(unit) ** 2 - sum(n * n for n in Counter(unit).values())) / (len(unit) - 1) for unit in units)
    return 1 - (count - 1) * apart / by_chance
