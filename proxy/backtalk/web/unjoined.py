"""Feedback that has not found its call, as a figure: by who said it, for how long it waits, and why.

In: the ledger, now and then. Out: the gauge `backtalk.feedback.unjoined`. The one rule: counting takes a hundredth of
the time at most, however large the ledger is.
"""

from collections import Counter
from pathlib import Path
from typing import Final

from backtalk import clock
from backtalk.ledger.query import LedgerQuery
from backtalk.model.meter import Meter
from backtalk.quality import coverage_queries
from backtalk.quality.coverage_queries import Period
from backtalk.quality.rejections import rejected
from backtalk.web.counting import count_for_ever
from backtalk.web.reading import Reading

DAYS: Final = 90
"""Feedback older than this is not counted any more: its call will not come."""
PAUSE_S: Final = 300.0
Labels = tuple[str, str, str]
"""Source, age and status."""


class Unjoined:
    """Counts and records; used on one event loop."""

    def __init__(self, reading: Reading[Path], metrics: Meter) -> None:
        self._reading = reading
        self._metrics = metrics
        self._known: set[Labels] = set()

    async def follow(self) -> None:
        """Count for ever, first after a pause, so that a start is not slowed."""
        await count_for_ever(self.count, PAUSE_S, "feedback that has not joined")

    async def count(self, now_ns: int) -> None:
        """Count once; what is gone is recorded as none."""
        found = await self._reading.ask(lambda root: unjoined(root, now_ns))
        for labels in self._known | found.keys():
            source, age, status = labels
            self._metrics.set("backtalk.feedback.unjoined", found[labels], source=source, age=age, status=status)
        self._known |= found.keys()


def unjoined(ledger_root: Path, now_ns: int) -> Counter[Labels]:
    """How much feedback of the last `DAYS` days has not joined."""
    period = Period(max(now_ns - DAYS * 86_400 * clock.NS_PER_S, 0), now_ns + 1)
    counts: Counter[Labels] = Counter()
    ledger = LedgerQuery(ledger_root)
    for row in ledger.rows(coverage_queries.joins(period, now_ns, rejected(ledger, period))):
        if row["status"] != "joined":
            counts[row["source"], row["age"], row["status"]] += row["feedback"]
    return counts
