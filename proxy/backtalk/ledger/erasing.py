"""Takes a person's texts out of the tables: rewrites the rows, and leaves no older version that could be read.

In: the open tables and what is to be erased. Out: how much was found, and the keys by which it is known elsewhere. The
one rule: each step may be repeated after a kill at any moment; `erased_ns` names the erasure in the rows, so that what
is left to do is seen in the tables themselves. Ids and numbers stay: counts and lineage remain true.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from backtalk.ledger.schema import Row, TableName
from backtalk.ledger.table import LedgerTable
from backtalk.model.erased import ErasedBy

NULLED: Final[Mapping[TableName, tuple[str, ...]]] = {
    "calls": (
        "declared_session", "user", "client_hash", "error", "error_message", "params_json", "not_understood",
        "attempts_json", "logprobs_json",
    ),
    "feedback": ("comment", "rater"),
}  # fmt: skip
"""Columns that lose their value."""
_NUMBER: Final = r"^(true|false|null|-?[0-9][0-9.eE+-]*)$"
_PLACED: Final = "trace_id, span_id, session_id, declared_session, response_id, tenant"
_USED: Final = "select unnest(array_concat(message_ids, answer_ids)) as id from calls where erased_ns is null"
_TOOLS: Final = "select tools_id as id from calls where erased_ns is null and tools_id is not null"
_IDS_A_QUERY: Final = 1_000


class Order(NamedTuple):
    """What is to be erased, by its own name; `erased_ns` is the order's, unlike any other's."""

    by: ErasedBy
    subject: str
    erased_ns: int
    tenant: str | None = None
    pseudonym: Callable[[str], str] | None = None
    """The name under which the subject rates in a tenant."""


class Erasure(NamedTuple):
    """What was erased: rows by table, and the keys of the calls."""

    rows: Mapping[TableName, int]
    span_ids: tuple[str, ...]
    trace_ids: tuple[str, ...]
    session_ids: tuple[str, ...]
    response_ids: tuple[str, ...]
    raters: tuple[str, ...] = ()
    """The person's pseudonyms."""
    tenants: tuple[str, ...] = ()
    """Whose calls they are: traces and response ids may be named alike by others."""
    fact_ids: tuple[str, ...] = ()
    """Of the feedback and of the signals that lost their texts: by them rows of datasets are found."""


def erase(tables: Mapping[TableName, LedgerTable], order: Order) -> Erasure:
    """Carry out an order in all tables; raises `StoreError`, and may then be repeated."""
    for table in tables.values():
        table.widen()
    calls = _calls(tables["calls"], order)
    raters = _raters(tables["feedback"], order)
    _blank_feedback(tables["feedback"], order, calls, raters)
    _blank_signals(tables["signals"], calls)
    _blank_calls(tables["calls"], order, calls)
    gone = _delete_messages(tables["messages"], tables["calls"], order)
    counted = f"select feedback_id from feedback where erased_ns = {order.erased_ns}"
    feedback = {row["feedback_id"] for row in tables["feedback"].select(counted)}
    for table in tables.values():
        table.forget_history()
    return Erasure(
        {"calls": len(calls), "messages": gone, "feedback": len(feedback)},
        span_ids=_values(calls, "span_id"),
        trace_ids=_values(calls, "trace_id"),
        session_ids=_values(calls, "session_id"),
        response_ids=_values(calls, "response_id"),
        raters=raters,
        tenants=_values(calls, "tenant"),
        fact_ids=tuple(sorted(feedback | _signals(tables["signals"], calls))),
    )


def _calls(table: LedgerTable, order: Order) -> list[Row]:
    """The calls that are meant, those of an interrupted try too; a user's with the whole sessions they stand in."""
    if order.by == "rater":
        return []
    found = table.select(f"select {_PLACED} from calls where {_meant(order)} or erased_ns = {order.erased_ns}")
    if order.by == "user":
        for some in _chunks(_values(found, "session_id")):
            found += table.select(f"select {_PLACED} from calls where session_id in ({some})")
    return list({(row["trace_id"], row["span_id"]): row for row in found}.values())


def _meant(order: Order) -> str:
    subject = quote(order.subject)
    condition = {
        "user": f'"user" = {subject}',
        "session": f"(session_id = {subject} or declared_session = {subject})",
        "trace": f"trace_id = {subject}",
    }[order.by]
    return condition if order.tenant is None else f"({condition} and tenant = {quote(order.tenant)})"


def _blank_calls(table: LedgerTable, order: Order, calls: Sequence[Row]) -> None:
    values = {"erased_ns": str(order.erased_ns), **dict.fromkeys(NULLED["calls"], "NULL")}
    for some in _chunks(_values(calls, "span_id")):
        table.update(f"span_id in ({some}) and erased_ns is null", values)


def _blank_signals(table: LedgerTable, calls: Sequence[Row]) -> None:
    for some in _chunks(_values(calls, "span_id")):
        condition = f"(span_id in ({some}) or shown_by_span_id in ({some})) and evidence_json <> '{{}}'"
        table.update(condition, {"evidence_json": "'{}'"})


def _signals(table: LedgerTable, calls: Sequence[Row]) -> set[str]:
    """What was noticed of the calls, or shown by them."""
    found: set[str] = set()
    for some in _chunks(_values(calls, "span_id")):
        condition = f"span_id in ({some}) or shown_by_span_id in ({some})"
        found |= set(_values(table.select(f"select signal_id from signals where {condition}"), "signal_id"))
    return found


def _raters(table: LedgerTable, order: Order) -> tuple[str, ...]:
    """The names that the person has as a rater, one a tenant."""
    if order.by not in ("rater", "user"):
        return ()
    tenants = {row["tenant"] for row in table.select("select distinct tenant from feedback")}
    named = tenants if order.tenant is None else {order.tenant}
    return (order.subject, *sorted(order.pseudonym(tenant) for tenant in named if order.pseudonym))


def _blank_feedback(table: LedgerTable, order: Order, calls: Sequence[Row], raters: Sequence[str]) -> None:
    """What was said of the calls, by whomever, and what the person said of any."""
    values = {
        "erased_ns": str(order.erased_ns),
        "value_json": f"case when kind = 'event' or regexp_like(value_json, '{_NUMBER}') then value_json else NULL end",
        **dict.fromkeys(NULLED["feedback"], "NULL"),
    }
    for condition in _feedback(order, calls, raters):
        table.update(f"{condition} and erased_ns is null", values)


def _feedback(order: Order, calls: Sequence[Row], raters: Sequence[str]) -> Iterator[str]:
    subject = quote(order.subject)
    own = {"session": f"session_id = {subject}", "trace": f"trace_id = {subject}"}.get(order.by)
    own = own or f"rater in ({next(_chunks(raters))})"
    yield own if order.tenant is None else f"({own} and tenant = {quote(order.tenant)})"
    tenants = next(_chunks(_values(calls, "tenant")), "''")
    keys = {
        "trace_id": _values(calls, "trace_id"),
        "response_id": _values(calls, "response_id"),
        "session_id": (*_values(calls, "session_id"), *_values(calls, "declared_session")),
    }
    for column, values in keys.items():
        for some in _chunks(values):
            yield f"({column} in ({some}) and tenant in ({tenants}))"


def _delete_messages(messages: LedgerTable, calls: LedgerTable, order: Order) -> int:
    """Delete the messages of erased calls that no other call has; gives how many there were."""
    columns = "message_ids, answer_ids, tools_id"
    rows = calls.select(f"select {columns} from calls where erased_ns = {order.erased_ns}")
    ids = {name for row in rows for name in (*row["message_ids"], *row["answer_ids"], row["tools_id"]) if name}
    count = 0
    for some in _chunks(sorted(ids)):
        used = calls.select(f"select distinct id from ({_USED} union all {_TOOLS}) where id in ({some})")
        kept = {row["id"] for row in used}
        condition = f"message_id in ({some})" + "".join(f" and message_id not in ({k})" for k in _chunks(sorted(kept)))
        count += messages.delete(condition)
    return count


def _values(rows: Iterable[Mapping[str, Any]], column: str) -> tuple[str, ...]:
    return tuple(sorted({row[column] for row in rows if row[column]}))


def _chunks(values: Sequence[str]) -> Iterator[str]:
    """The values as they stand in SQL, so many at a time."""
    for at in range(0, len(values), _IDS_A_QUERY):
        yield ", ".join(map(quote, values[at : at + _IDS_A_QUERY]))


def is_number(value_json: str | None) -> bool:
    """Whether a feedback's value is no text: it stays."""
    return value_json is not None and re.match(_NUMBER, value_json) is not None


def quote(value: str) -> str:
    """A text as it stands in SQL."""
    return "'" + value.replace("'", "''") + "'"
