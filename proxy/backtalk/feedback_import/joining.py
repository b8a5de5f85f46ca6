"""What became of an import's feedback: joined, pending, ambiguous, rejected, or not in the ledger yet.

In: ids with their lines, and the ledger's statuses as they stream by. Out: counts, and lines of what has not joined.
The one rule: 50 bytes a feedback in memory, whatever the ledger's size.
"""

import json
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from backtalk import clock
from backtalk.errors import StoreError
from backtalk.ledger.judging import Rejected
from backtalk.ledger.query import LedgerQuery
from backtalk.quality import coverage_queries
from backtalk.quality.coverage_queries import Period
from backtalk.quality.rejections import rejected

MOST: Final = 20_000_000
"""So many feedback are looked for at once: a gigabyte."""
_POLL_S: Final = 1.0
_LINE_BITS: Final = 40
_LINE: Final = (1 << _LINE_BITS) - 1


class Unjoined(NamedTuple):
    """A line whose feedback has not found its call, or is rejected by it, for `reason`."""

    line: int
    status: str
    reason: str | None = None


class Joins(NamedTuple):
    """An import's feedback by status; what is rejected also by its reason, with the sentence of the first."""

    counts: Counter[str]
    reasons: Counter[str]
    sentences: dict[str, str]


class Ids:
    """The ids of an import, to be found by id."""

    def __init__(self, ids: Iterable[tuple[int, bytes]]) -> None:
        self._known = sorted({(int.from_bytes(name[:8]) << _LINE_BITS) | min(line, _LINE) for line, name in ids})
        if len(self._known) > MOST:
            raise StoreError(f"more than {MOST} feedback cannot be looked for at once", code="too_much_feedback")

    def __len__(self) -> int:
        return len(self._known)

    def line(self, feedback_id: str) -> int | None:
        """The line of a feedback; None where it is none of the import's."""
        prefix = int(feedback_id[:16], 16)
        at = bisect_left(self._known, prefix << _LINE_BITS)
        if at < len(self._known) and self._known[at] >> _LINE_BITS == prefix:
            return self._known[at] & _LINE
        return None


def joined(
    ids: Ids, statuses: Iterable[Mapping[str, Any]], refused: Mapping[str, Rejected], joins: Joins
) -> Iterator[Unjoined]:
    """Count the import's feedback by status; what has not joined is handed out as it is met."""
    for row in statuses:
        line = ids.line(row["feedback_id"])
        if line is not None:
            joins.counts[row["status"]] += 1
            why = refused.get(row["feedback_id"])
            if why is not None:
                joins.reasons[why.reason] += 1
                joins.sentences.setdefault(why.reason, why.message)
            if row["status"] != "joined":
                yield Unjoined(line, row["status"], None if why is None else why.reason)


def wait_for(root: Path, ids: Ids, since_ns: int, unjoined: Path, *, wait_s: float) -> Joins:
    """Ask the ledger until it has all of the import's feedback, or for `wait_s`; what has not joined goes to a file."""
    end_ns = clock.monotonic_ns() + int(wait_s * clock.NS_PER_S)
    while True:
        joins = _ask(root, ids, since_ns, unjoined)
        if joins.counts.total() >= len(ids) or clock.monotonic_ns() >= end_ns:
            return joins
        time.sleep(_POLL_S)


def _ask(root: Path, ids: Ids, since_ns: int, unjoined: Path) -> Joins:
    joins = Joins(Counter(), Counter(), {})
    ledger, period = LedgerQuery(root), Period(max(since_ns, 0), (1 << 63) - 1)
    refused = rejected(ledger, period)
    statuses = ledger.rows(coverage_queries.statuses(period, refused))
    with unjoined.open("w", encoding="utf-8") as file:
        for one in joined(ids, statuses, refused, joins):
            said = {name: value for name, value in one._asdict().items() if value is not None}
            file.write(json.dumps(said) + "\n")
    if joins.counts.total() == joins.counts["joined"]:
        unjoined.unlink()
    return joins
