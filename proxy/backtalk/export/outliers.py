"""Which calls took longer than nearly all others of their model.

In: closed calls, in order. Out: whether one is an outlier. A histogram of durations a model, with buckets a ninth
apart, halved now and then so that it follows the times; of bounded size, and the same for the same calls.
"""

import math
from collections import OrderedDict
from typing import Final

from backtalk.export.kinds import OPERATIONS
from backtalk.model.facts import CallClosed

MODELS: Final = 256
"""Models that are told apart; the one not seen for longest is forgotten."""
LEAST_CALLS: Final = 100
"""Calls of a model before any is called an outlier."""
_HALVED_AT: Final = 10_000
_BUCKETS: Final = 240
_PER_E: Final = 9
_FIRST_NS: Final = 100_000


class Outliers:
    """Durations by API and model; a `share` of 0 finds none."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._seen: OrderedDict[tuple[str, str], list[int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def look(self, call: CallClosed) -> bool:
        """Whether a call is among the slowest share of those before it; it counts from now on."""
        if call.opened.api not in OPERATIONS:
            return False
        key = (call.opened.api, (call.opened.request.model or "")[:256])
        counts = self._seen.setdefault(key, [0] * _BUCKETS)
        self._seen.move_to_end(key)
        if len(self._seen) > MODELS:
            self._seen.popitem(last=False)
        place = _place(call.duration_ns)
        slow = self._is_slow(counts, place)
        counts[place] += 1
        if sum(counts) >= _HALVED_AT:
            counts[:] = [count // 2 for count in counts]
        return slow

    def _is_slow(self, counts: list[int], place: int) -> bool:
        total = sum(counts)
        if total < LEAST_CALLS or not self._share:
            return False
        return sum(counts[place:]) <= self._share * total


def _place(duration_ns: int) -> int:
    """The bucket of a duration: from 0.1 ms on, each a ninth of an e-fold wide."""
    if duration_ns <= _FIRST_NS:
        return 0
    return min(_BUCKETS - 1, 1 + int(_PER_E * math.log(duration_ns / _FIRST_NS)))
