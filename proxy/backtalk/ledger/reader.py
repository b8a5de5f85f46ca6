"""Reading the ledger: rows by what they are about, as of now or of given versions.

Out: rows as mappings, exactly as `ledger.rows` makes them, whoever wrote them. Feedback with one id counts once (the
first row), a signal by its latest replay (`ledger.counting`), and a message that was written twice is one. Queries run
in DataFusion, which finds single ids by Bloom filters and newest rows by statistics; any thread may ask.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import DeltaError

from backtalk.errors import StoreError
from backtalk.ledger.arrow import rows_of
from backtalk.ledger.counting import counting
from backtalk.ledger.schema import TABLES, TableName
from backtalk.model.ids import CallKey

_NEVER: Final = "false"
_STALE_VERSIONS: Final = 50
"""A handle is opened anew after so many versions: following the log one by one grows slower than a checkpoint."""
_IDS_A_QUERY: Final = 500


class LedgerReader:
    """Reads the tables under a root; a table that does not exist yet is empty. `versions` pins tables in time."""

    def __init__(self, root: Path, versions: Mapping[TableName, int] | None = None) -> None:
        self._root = root
        self._pinned = None if versions is None else dict(versions)
        self._open: dict[TableName, tuple[DeltaTable, int]] = {}
        self._guard = threading.Lock()

    def version(self, table: TableName) -> int | None:
        """The version that the next read sees; None where the table does not exist."""
        with self._guard:
            found = self._table(table)
            return None if found is None else found.version()

    def pinned(self) -> "LedgerReader":
        """A reader that sees the tables as they are now, whatever is written later."""
        return LedgerReader(self._root, self.versions())

    def versions(self) -> dict[TableName, int]:
        """The version of each table that exists."""
        found: dict[TableName, int] = {}
        for name in TABLES:
            if (version := self.version(name)) is not None:
                found[name] = version
        return found

    def calls(self, *, trace_ids: Iterable[str] = (), session_id: str | None = None) -> list[dict[str, Any]]:
        """The calls of traces or of a session, oldest first."""
        if session_id is not None:
            return self._select("calls", f"session_id = {_quote(session_id)}", order="opened_ns")
        return sorted(self._chunked("calls", "trace_id", trace_ids), key=lambda row: int(row["opened_ns"]))

    def calls_of(self, keys: Iterable[CallKey]) -> dict[CallKey, dict[str, Any]]:
        """Calls by their keys; those that are not there are left out."""
        wanted = set(keys)
        rows = self._chunked("calls", "trace_id", {key.trace_id for key in wanted})
        found = {CallKey(row["trace_id"], row["span_id"]): row for row in rows}
        return {key: row for key, row in found.items() if key in wanted}

    def calls_answering(self, response_ids: Iterable[str]) -> list[dict[str, Any]]:
        """The calls, of any tenant, whose response had one of these provider's ids."""
        return self._chunked("calls", "response_id", response_ids)

    def recent_calls(
        self, *, limit: int, before_ns: int | None = None, **equal: str | int | None
    ) -> list[dict[str, Any]]:
        """The latest calls, newest first, with the given columns equal to the given values."""
        conditions = [f"{column} = {_quote(value)}" for column, value in equal.items() if value is not None]
        if before_ns is not None:
            conditions.append(f"opened_ns < {int(before_ns)}")
        return self._select("calls", " and ".join(conditions) or "true", order="opened_ns desc", limit=limit)

    def signals(self, *, trace_ids: Iterable[str]) -> list[dict[str, Any]]:
        """Signals, relations and links about calls of traces, or shown by them."""
        names = list(trace_ids)
        condition = f"({_one_of('trace_id', names)} or {_one_of('shown_by_trace_id', names)})"
        return counting(self._select("signals", condition, order="found_ns"))

    def feedback(
        self, *, trace_ids: Iterable[str] = (), response_ids: Iterable[str] = (), session_ids: Iterable[str] = ()
    ) -> list[dict[str, Any]]:
        """Feedback that names one of the keys, each id once."""
        keys = (("trace_id", trace_ids), ("response_id", response_ids), ("session_id", session_ids))
        rows = [row for column, values in keys for row in self._chunked("feedback", column, values)]
        return _first(sorted(rows, key=lambda row: int(row["given_ns"])), "feedback_id", "item")

    def successors(self, feedback_ids: Iterable[str]) -> list[dict[str, Any]]:
        """The feedback and the retractions, of any tenant, that name one of these as what they supersede."""
        if "supersedes" not in self._columns("feedback"):  # written before there were any
            return []
        return _first(self._chunked("feedback", "supersedes", feedback_ids), "feedback_id", "item")

    def feedback_by(self, column: str, values: Iterable[str]) -> list[dict[str, Any]]:
        """Feedback whose column is one of the values, a row for each call that it is about, each once."""
        rows = self._chunked("feedback", column, values) if column in self._columns("feedback") else []
        return _first(sorted(rows, key=lambda row: row["given_ns"]), "feedback_id", "item")

    def messages(self, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Messages by id."""
        return {row["message_id"]: row for row in self._chunked("messages", "message_id", ids)}

    def feedback_between(self, since_ns: int, until_ns: int) -> list[dict[str, Any]]:
        """Feedback and retractions given from `since_ns` until before `until_ns`, each once."""
        condition = f"given_ns >= {int(since_ns)} and given_ns < {int(until_ns)}"
        return _first(self._select("feedback", condition, order="given_ns"), "feedback_id", "item")

    def signals_by_id(self, ids: Iterable[str]) -> list[dict[str, Any]]:
        """Signals by their ids, each by its row that counts; withdrawn ones are left out."""
        return counting(self._chunked("signals", "signal_id", ids))

    def of_kind(self, table: TableName, kind: str, *, order: str) -> list[dict[str, Any]]:
        """The rows of a table with this kind that count; for builders of datasets."""
        rows = self._select(table, f"kind = {_quote(kind)}", order=order)
        return _first(rows, "feedback_id", "item") if table == "feedback" else counting(rows)

    def everything(self, table: TableName, *, order: str, superseded: bool = False) -> list[dict[str, Any]]:
        """The rows of a table that count, or with `superseded` all that were ever written."""
        rows = self._select(table, "true", order=order)
        if superseded:
            return rows
        return _first(rows, "feedback_id", "item") if table == "feedback" else counting(rows)

    def calls_between(self, since_ns: int, until_ns: int) -> list[dict[str, Any]]:
        """The rows of calls that arrived from `since_ns` until before `until_ns`, in the order of arrival."""
        condition = f"opened_ns >= {int(since_ns)} and opened_ns < {int(until_ns)}"
        return self._select("calls", condition, order="opened_ns, span_id")

    def _chunked(self, name: TableName, column: str, values: Iterable[str]) -> list[dict[str, Any]]:
        wanted = sorted(set(values))
        parts = [wanted[at : at + _IDS_A_QUERY] for at in range(0, len(wanted), _IDS_A_QUERY)]
        return [row for part in parts for row in self._select(name, _one_of(column, part))]

    def _select(self, name: TableName, condition: str, *, order: str = "", limit: int = 0) -> list[dict[str, Any]]:
        if condition == _NEVER:
            return []
        query = f"select * from {name} where {condition}"  # noqa: S608 -- every value is quoted by `_quote`
        query += f" order by {order}" if order else ""
        query += f" limit {int(limit)}" if limit else ""
        try:
            try:
                return self._run(name, query)
            except (DeltaError, OSError):  # an erasure leaves no older version: what was held of it is opened anew
                self._forget(name)
                return self._run(name, query)
        except (DeltaError, OSError) as error:
            raise StoreError(f"the table {name} cannot be read: {error}", code="ledger_unavailable") from error

    def _columns(self, name: TableName) -> set[str]:
        with self._guard:
            table = self._table(name)
            return set() if table is None else {field.name for field in table.schema().fields}

    def _run(self, name: TableName, query: str) -> list[dict[str, Any]]:
        with self._guard:
            table = self._table(name)
            if table is None:
                return []
            engine = QueryBuilder().register(name, table)
        return list(rows_of(engine.execute(query)))

    def _forget(self, name: TableName) -> None:
        with self._guard:
            self._open.pop(name, None)

    def _table(self, name: TableName) -> DeltaTable | None:
        """A handle at the newest version, or at the pinned one; the caller holds the guard."""
        found, opened_at = self._open.get(name, (None, 0))
        if self._pinned is not None and name not in self._pinned:
            return None
        if found is not None and self._pinned is None:
            try:
                found.update_incremental()
            except DeltaError:  # an erasure has deleted what led to the newest version
                found = None
        if found is None or found.version() - opened_at > _STALE_VERSIONS:
            if not DeltaTable.is_deltatable(str(self._root / name)):
                return None
            found = DeltaTable(self._root / name, version=self._pinned[name] if self._pinned else None)
            self._open[name] = found, found.version()
        return found


def _first(rows: Sequence[dict[str, Any]], *key: str) -> list[dict[str, Any]]:
    seen: dict[Any, dict[str, Any]] = {}
    for row in rows:
        seen.setdefault(tuple(row.get(column) for column in key), row)
    return list(seen.values())


def _one_of(column: str, values: Iterable[str]) -> str:
    quoted = ", ".join(_quote(value) for value in sorted(set(values)))
    return f"{column} in ({quoted})" if quoted else _NEVER


def _quote(value: str | int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    return "'" + value.replace("'", "''") + "'"
