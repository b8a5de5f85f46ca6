"""Reading the ledger: rows by what they are about, as of now or of a version.

Out: rows as mappings, exactly as `ledger.rows` makes them, whoever wrote them. Feedback with one id counts once (the
first row), and a message that was written twice is one.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from deltalake import DeltaTable, QueryBuilder

from backtalk.ledger.schema import TableName

_NEVER: Final = "false"


class LedgerReader:
    """Reads the tables under a root; a table that does not exist yet is empty."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._open: dict[TableName, DeltaTable] = {}

    def version(self, table: TableName) -> int | None:
        """The version that the next read sees; None where the table does not exist."""
        found = self._table(table)
        return None if found is None else found.version()

    def position(self, journal_id: str) -> int:
        """The journal's position up to which the calls table says it holds everything."""
        found = self._table("calls")
        return (found.transaction_version(journal_id) or 0) if found is not None else 0

    def calls(self, *, trace_ids: Iterable[str] = (), session_id: str | None = None) -> list[dict[str, Any]]:
        """The calls of traces or of a session, oldest first."""
        condition = _one_of("trace_id", trace_ids) if session_id is None else f"session_id = {_quote(session_id)}"
        return self._select("calls", condition, order="opened_ns")

    def recent_calls(self, *, limit: int, before_ns: int | None = None, **equal: str | None) -> list[dict[str, Any]]:
        """The latest calls, newest first, with the given columns equal to the given values."""
        conditions = [f"{column} = {_quote(value)}" for column, value in equal.items() if value is not None]
        if before_ns is not None:
            conditions.append(f"opened_ns < {int(before_ns)}")
        return self._select("calls", " and ".join(conditions) or "true", order="opened_ns desc", limit=limit)

    def signals(self, *, trace_ids: Iterable[str]) -> list[dict[str, Any]]:
        """Signals, relations and links about calls of traces, or shown by them."""
        names = list(trace_ids)
        condition = f"({_one_of('trace_id', names)} or {_one_of('shown_by_trace_id', names)})"
        return self._select("signals", condition, order="found_ns")

    def feedback(
        self, *, trace_ids: Iterable[str] = (), response_ids: Iterable[str] = (), session_ids: Iterable[str] = ()
    ) -> list[dict[str, Any]]:
        """Feedback that names one of the keys, each id once."""
        keys = (("trace_id", trace_ids), ("response_id", response_ids), ("session_id", session_ids))
        condition = " or ".join(_one_of(column, values) for column, values in keys)
        return _first(self._select("feedback", f"({condition})", order="given_ns"), "feedback_id")

    def messages(self, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Messages by id."""
        return {row["message_id"]: row for row in self._select("messages", _one_of("message_id", ids))}

    def everything(self, table: TableName, *, order: str) -> list[dict[str, Any]]:
        """All rows of a table; for builders of datasets."""
        return self._select(table, "true", order=order)

    def _select(self, name: TableName, condition: str, *, order: str = "", limit: int = 0) -> list[dict[str, Any]]:
        table = self._table(name)
        if table is None or condition == _NEVER:
            return []
        query = f"select * from {name} where {condition}"  # noqa: S608 -- every value is quoted by `_quote`
        query += f" order by {order}" if order else ""
        query += f" limit {int(limit)}" if limit else ""
        found = QueryBuilder().register(name, table).execute(query).read_all()
        columns = {column: found.column(column).to_pylist() for column in found.column_names}
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    def _table(self, name: TableName) -> DeltaTable | None:
        if name in self._open:
            self._open[name].update_incremental()
        elif DeltaTable.is_deltatable(str(self._root / name)):
            self._open[name] = DeltaTable(self._root / name)
        return self._open.get(name)


def _first(rows: Sequence[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    seen: dict[Any, dict[str, Any]] = {}
    for row in rows:
        seen.setdefault(row[key], row)
    return list(seen.values())


def _one_of(column: str, values: Iterable[str]) -> str:
    quoted = ", ".join(_quote(value) for value in sorted(set(values)))
    return f"{column} in ({quoted})" if quoted else _NEVER


def _quote(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
