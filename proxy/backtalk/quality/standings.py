"""What all feedback of a period is worth now, streamed: the same as `ledger.effective` says of a few.

In: the ledger and a period. Out: standings, those of one call together. The one rule: rows come in two streams by what
they are about, some thousands at a time, and `ledger.standing` judges them; nothing is looked up by id but the messages
of what only its call can judge.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from backtalk.ledger.query import LedgerQuery
from backtalk.ledger.standing import Standing, standings
from backtalk.quality import standing_queries
from backtalk.quality.coverage_queries import Period, one_of

PART_ROWS: Final = 2_000
Row = dict[str, Any]


def standings_between(ledger: LedgerQuery, period: Period, *, part_rows: int = PART_ROWS) -> Iterator[Standing]:
    """The standing of each feedback that was given in the period; one that is about several calls has one for each."""
    later = _Later(ledger.rows(standing_queries.later()))
    for rows in _parts(ledger.rows(standing_queries.said()), part_rows):
        if not any(_is_within(row, period) for row in rows):
            later.take(rows[-1]["about"])
            continue
        known = {row["item_id"] for row in rows}
        others = {row["item_id"]: row for row in later.take(rows[-1]["about"]) if row["item_id"] not in known}
        yield from _judged(ledger, rows, list(others.values()), period)


class _Later:
    """What supersedes feedback about something else, by what that is about, in order."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def take(self, about: str) -> list[Row]:
        """Everything up to this."""
        taken: list[Row] = []
        while self._next is not None and self._next["about"] <= about:
            taken.append(self._next)
            self._next = next(self._rows, None)
        return taken


def _parts(rows: Iterator[Row], part_rows: int) -> Iterator[list[Row]]:
    """Rows about the same together, some thousands at a time."""
    part: list[Row] = []
    for _, group in groupby(rows, key=lambda row: row["about"]):
        part += group
        if len(part) >= part_rows:
            yield part
            part = []
    if part:
        yield part


def _judged(ledger: LedgerQuery, rows: Sequence[Row], others: Sequence[Row], period: Period) -> Iterator[Standing]:
    both = [*rows, *others]
    unfit = [row for row in both if not row["fits"] and row["trace_id"]]
    strange = [row | {"tenant": None if row["is_foreign"] else row["tenant"]} for row in unfit]
    wanted = {row["item_id"] for row in rows if _is_within(row, period)}
    for one in standings([(row, _fits(row)) for row in both], _messages(ledger, both), strange):
        if one.row["item_id"] in wanted:
            yield one


def _fits(row: Row) -> list[Mapping[str, Any]]:
    """The call that it means, or as many as it may mean."""
    call = {"trace_id": row["call_trace_id"], "span_id": row["call_span_id"], "tenant": row["tenant"]}
    judged = {name: row[name] for name in ("purpose", "tools_id", "params_json")}
    return [call | judged | {"answer_ids": _answer_ids(row)}] * int(row["fits"])


def _answer_ids(row: Row) -> list[str]:
    return row["answer_ids"].split(",") if row["answer_ids"] else []


def _messages(ledger: LedgerQuery, rows: Sequence[Row]) -> dict[str, Row]:
    ids = {name for row in rows for name in _needed(row)}
    if not ids:
        return {}
    query = f"select message_id, json, char_count from messages where {one_of('message_id', ids)}"  # noqa: S608 -- hashes
    return {row["message_id"]: row for row in ledger.rows(query)}


def _needed(row: Row) -> Sequence[str]:
    """The messages without which the judge cannot tell."""
    named = _answer_ids(row) if row["span_end"] is not None else []
    return [*named, row["tools_id"]] if row["tools_id"] and '"tool_calls"' in (row["value_json"] or "") else named


def _is_within(row: Row, period: Period) -> bool:
    return period.since_ns <= int(row["given_ns"]) < period.until_ns and row["kind"] != "retraction"
