"""Which of a signal's rows counts: pure, the same for trace documents, reports, calibration and datasets.

In: rows of the signals table. Out: those that count, in their order. The one rule: one `signal_id` counts once, by its
row of the latest replay (the worker's own comes before any), and not at all where that row withdraws it. The id is made
of detector, kind and both calls and not of the version, so a new version supersedes the old one claim by claim.
Relations and links have no id and always count.
"""

from collections.abc import Iterable
from typing import TypeVar

from backtalk.ledger.schema import Row

_AnyRow = TypeVar("_AnyRow", bound=Row)


def counting(rows: Iterable[_AnyRow]) -> list[_AnyRow]:
    """The rows that count; of rows that came twice, the first."""
    given = list(rows)
    latest: dict[str, _AnyRow] = {}
    for row in given:
        name = row.get("signal_id")
        if name and (name not in latest or replay_of(row) > replay_of(latest[name])):
            latest[name] = row
    return [row for row in given if not (name := row.get("signal_id")) or _counts(row, latest[name])]


def replay_of(row: Row) -> int:
    """The number of the replay that wrote a row; 0 for the worker's own."""
    return row.get("replay") or 0


def _counts(row: Row, latest: Row) -> bool:
    return row is latest and row["fact"] != "withdrawal"
