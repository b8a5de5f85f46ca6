"""The audit of coverage: which answers leave a trace of success or failure, and what to instrument next.

In: the ledger and a period. Out: one JSON-ready document, the same for the command and the admin listener.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backtalk.ledger.query import LedgerQuery
from backtalk.quality import advice, coverage, coverage_queries
from backtalk.quality.coverage_queries import Period
from backtalk.quality.rejections import rejected


def audit(ledger_root: Path, period: Period, now_ns: int) -> dict[str, Any]:
    """Ask the ledger; raises `StoreError` where it cannot be read."""
    ledger = LedgerQuery(ledger_root)
    refused = rejected(ledger, Period(0, period.until_ns))
    found = coverage.groups(
        ledger.rows(coverage_queries.segments(period, refused)), ledger.rows(coverage_queries.kinds(period, refused))
    )
    apart = {row["api"]: row["calls"] for row in ledger.rows(coverage_queries.apart(period))}
    joins = list(ledger.rows(coverage_queries.joins(period, now_ns, refused)))
    steps = advice.advise(found.main, found.total, _lost(joins))
    return {
        "since_ns": period.since_ns,
        "until_ns": period.until_ns,
        "ledger_versions": dict(ledger.versions),
        "total": coverage.document(found.total),
        "other_calls": dict(sorted(apart.items(), key=lambda item: -item[1])),
        "kinds": coverage.matrix(found.total),
        "segments": {
            group: {"listed": [coverage.document(one) for one in listed], "left_out": found.left_out.get(group, 0)}
            for group in coverage_queries.SETS
            if group != "all" and (listed := found.segments.get(group))
        },
        "feedback": feedback(joins),
        "next": [step._asdict() for step in steps],
    }


def feedback(joins: Sequence[coverage.Row]) -> dict[str, Any]:
    """How much feedback found its call, and what did not by age, source and key."""
    by_status: Counter[str] = Counter(dict.fromkeys(("joined", "pending", "ambiguous", "rejected"), 0))
    for row in joins:
        by_status[row["status"]] += row["feedback"]
    waiting = [dict(row) for row in joins if row["status"] != "joined"]
    return {**by_status, "never_joined": sorted(waiting, key=lambda row: (-row["feedback"], row["age"], row["kind"]))}


def _lost(joins: Sequence[coverage.Row]) -> list[advice.Lost]:
    counted: Counter[tuple[str, str]] = Counter()
    for row in joins:
        fresh = row["status"] == "pending" and row["age"] == "under 1 hour"
        if row["status"] != "joined" and not fresh:
            counted[row["key"], row["status"]] += row["feedback"]
    return [advice.Lost(key, status, count) for (key, status), count in counted.items()]
