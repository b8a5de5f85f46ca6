"""Shares with honest intervals.

In: counts. Out: a share with its 95% interval. The one rule: no share is shown without its interval and its count.
"""

from math import sqrt
from typing import Final, NamedTuple

_Z: Final = 1.959964


class Share(NamedTuple):
    """A share with its 95% Wilson interval; `cases` 0 says that nothing is known."""

    value: float
    low: float
    high: float
    cases: int


def wilson(hits: int, cases: int) -> Share:
    """A share and its interval (Wilson 1927)."""
    if not cases:
        return Share(0.0, 0.0, 1.0, 0)
    share, width = hits / cases, _Z * _Z / cases
    middle = (share + width / 2) / (1 + width)
    half = _Z * sqrt(share * (1 - share) / cases + width / (4 * cases)) / (1 + width)
    return Share(share, max(middle - half, 0.0), min(middle + half, 1.0), cases)
