"""Feedback that its call rejects, for questions that are asked in SQL.

In: the ledger and a period. Out: the ids of what `ledger.judging` rejects, and why. The one rule: the judge is the one
that every reader asks; only what it could reject is read, in parts, and `MOST` ids are told at most.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from backtalk.ledger.judging import FOREIGN, Rejected, judge
from backtalk.ledger.query import LedgerQuery
from backtalk.quality.coverage_queries import Period, one_of, said

MOST: Final = 10_000
"""So many ids are told: each stands in the queries that leave it out."""
_PART: Final = 500

Row = Mapping[str, Any]


def rejected(ledger: LedgerQuery, period: Period) -> dict[str, Rejected]:
    """The ids of feedback that was given in the period and is rejected, each with the reason."""
    return dict(islice(_found(ledger, period), MOST))


def _found(ledger: LedgerQuery, period: Period) -> Iterator[tuple[str, Rejected]]:
    yield from ((row["feedback_id"], FOREIGN) for row in ledger.rows(_foreign(period)))
    rows = ledger.rows(_judgeable(period))
    while part := list(islice(rows, _PART)):
        messages = _messages(ledger, part)
        yield from ((row["feedback_id"], why) for row in part if (why := judge(row, row, messages)) is not None)


def _messages(ledger: LedgerQuery, part: Sequence[Row]) -> dict[str, Row]:
    ids = {name for row in part for name in (*(row["answer_ids"] or ()), row["tools_id"]) if name}
    return {row["message_id"]: row for row in ledger.rows(_read(ids))} if ids else {}


def _judgeable(period: Period) -> str:
    """Each feedback that its call may reject by what only the call can tell, beside that call."""
    return f"""{said(period)}
    select r.feedback_id, r.kind, f.value_json, f.choice, f.span_end, c.answer_ids, c.tools_id, c.params_json
    from resolved r
    join feedback f on f.feedback_id = r.feedback_id and coalesce(f.item, 0) = r.item and f.given_ns = r.given_ns
    join calls c on c.trace_id = r.call_trace_id and c.span_id = r.call_span_id
    where r.fits = 1 and (r.kind = 'correction' or f.span_end is not null or f.choice > 0)"""  # noqa: S608 -- numbers of our own


def _foreign(period: Period) -> str:
    """The ids of feedback whose trace was made with other credentials alone."""
    return f"""{said(period)}, unfit as (select * from resolved where fits = 0 and trace_id is not null)
    select distinct u.feedback_id from unfit u join calls c on c.trace_id = u.trace_id
    left anti join calls o on o.trace_id = u.trace_id and o.tenant = u.tenant"""  # noqa: S608 -- likewise


def _read(ids: Collection[str]) -> str:
    """Messages by their ids."""
    return f"select message_id, json, char_count from messages where {one_of('message_id', ids)}"  # noqa: S608 -- hashes
