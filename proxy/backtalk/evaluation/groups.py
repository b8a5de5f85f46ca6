"""Which cases are of one person or one conversation: they are no independent witnesses.

In: cases, and the ledger where it is at hand. Out: a number for each case; equal numbers belong together. The one rule:
cases that share a user, a session or a trace, directly or by others, are one group; no name of anybody leaves here.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from backtalk.errors import StoreError
from backtalk.evaluation.cases import Case
from backtalk.ledger.reader import LedgerReader


def grouped(cases: Sequence[Case], ledger: Path | None) -> list[int]:
    """Each case's group, numbered in the order of the cases; by trace alone where there is no ledger."""
    known: Mapping[str, tuple[str, ...]] = (
        {} if ledger is None else _marks(ledger, {name for case in cases for name in case.trace_ids})
    )
    return joined(
        [[*case.trace_ids, *(mark for name in case.trace_ids for mark in known.get(name, ()))] for case in cases]
    )


def joined(marks: Sequence[Iterable[str]]) -> list[int]:
    """Numbers that are equal wherever two places share a mark, directly or by others."""
    above = list(range(len(marks)))
    first: dict[str, int] = {}
    for place, ones in enumerate(marks):
        for mark in ones:
            one, other = _top(above, place), _top(above, first.setdefault(mark, place))
            above[max(one, other)] = min(one, other)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(_top(above, place), len(numbers)) for place in range(len(marks))]


def _top(above: list[int], place: int) -> int:
    while above[place] != place:
        above[place] = above[above[place]]
        place = above[place]
    return place


def _marks(ledger: Path, trace_ids: set[str]) -> Mapping[str, tuple[str, ...]]:
    """The user and the session of each trace; none where the ledger cannot be read."""
    try:
        rows = LedgerReader(ledger).calls(trace_ids=sorted(trace_ids))
    except StoreError:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for row in rows:
        named = (
            f"{kind} {row['tenant']} {row[column]}"
            for kind, column in (("user", "user"), ("session", "session_id"))
            if row.get(column)
        )
        found[row["trace_id"]] = (*found.get(row["trace_id"], ()), *named)
    return found
