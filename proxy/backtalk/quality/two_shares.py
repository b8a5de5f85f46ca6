"""Two shares of answers that come in sessions, and how much the later one is larger.

In: sums over sessions. Out: shares, and the difference with its interval. The one rule: answers of one session are
alike, so a share knows as much as its effective number of answers says, never more than their number (Kish 1965); the
interval is Newcombe's of two Wilson intervals (1998, method 10), which holds where a share is 0 or 1.
"""

from math import sqrt
from statistics import NormalDist
from typing import NamedTuple


class Sums(NamedTuple):
    """What is summed up over sessions: `n` is a session's answers, `h` those of them that are counted."""

    sessions: int = 0
    n: int = 0
    h: int = 0
    hh: int = 0
    hn: int = 0
    nn: int = 0

    @property
    def share(self) -> float:
        """The counted share; 0 where there is nothing."""
        return self.h / self.n if self.n else 0.0

    @property
    def effective(self) -> float:
        """How many independent answers would tell as much."""
        share = self.share
        plain = share * (1 - share) / self.n if self.n else 0.0
        if self.sessions < 2 or not plain:
            return float(self.sessions)  # how alike they are cannot be told: a session counts as one answer
        spread = max(self.hh - 2 * share * self.hn + share * share * self.nn, 0.0)
        clustered = self.sessions / (self.sessions - 1) * spread / (self.n * self.n)
        return self.n / max(clustered / plain, 1.0)


class Change(NamedTuple):
    """By how much a share has grown, with its interval."""

    estimate: float
    low: float
    high: float


def change(then: Sums, now: Sums, confidence: float) -> Change:
    """The growth of the share; where one of the two is unknown the interval holds everything."""
    if not then.n or not now.n:
        return Change(now.share - then.share, -1.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    before, after = _wilson(then, z), _wilson(now, z)
    estimate = now.share - then.share
    low = estimate - sqrt((now.share - after[0]) ** 2 + (before[1] - then.share) ** 2)
    high = estimate + sqrt((after[1] - now.share) ** 2 + (then.share - before[0]) ** 2)
    return Change(estimate, max(low, -1.0), min(high, 1.0))


def _wilson(sums: Sums, z: float) -> tuple[float, float]:
    share, width = sums.share, z * z / sums.effective
    middle = (share + width / 2) / (1 + width)
    half = z * sqrt(share * (1 - share) / sums.effective + width / (4 * sums.effective)) / (1 + width)
    return max(middle - half, 0.0), min(middle + half, 1.0)
