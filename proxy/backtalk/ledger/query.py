"""Questions in SQL over all tables, as of one moment.

In: a query that names the tables and any of their columns. Out: its rows, streamed. The one rule: memory is bounded;
DataFusion reads only the columns that a query names, writes sorts and groups to disk above the limit, and refuses a
join that would not fit.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from arro3.core import Table
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import DeltaError

from backtalk.errors import StoreError
from backtalk.ledger.arrow import rows_of
from backtalk.ledger.schema import COLUMNS, TABLES, TableName

MEMORY_BYTES: Final = 1 << 30
_STORED: Final = "stored_"
_SETTINGS: Final = (
    # A filter that a join hands to its scans while they run loses rows now and then (deltalake 1.6, two cores).
    "set datafusion.optimizer.enable_dynamic_filter_pushdown = false",
)
_SQL_TYPES: Final = {"text": "varchar", "int": "bigint", "real": "double", "flag": "boolean", "texts": "varchar[]"}


class LedgerQuery:
    """Answers queries over the tables under a root as they were when it was made; used by one thread."""

    def __init__(self, root: Path, *, memory_bytes: int = MEMORY_BYTES) -> None:
        self._engine = QueryBuilder()
        self._views: list[str] = []
        self.versions: Final[dict[TableName, int]] = {}
        try:
            self._engine.execute(f"set datafusion.runtime.memory_limit = '{memory_bytes >> 20}M'").read_all()
            for setting in _SETTINGS:
                self._engine.execute(setting).read_all()
            for name in TABLES:
                self._views.append(self._view(root / name, name))
        except (DeltaError, OSError) as error:
            raise StoreError(f"the ledger cannot be read: {error}", code="ledger_unavailable") from error

    def rows(self, query: str) -> Iterator[dict[str, Any]]:
        """The rows of a query that begins with `select`, or with expressions named as after `with`.

        Every column of the schema is there: null where the table is older than the column, no rows where there is no
        table. Raises `StoreError` where the ledger cannot be read or the query needs more memory than there is.
        """
        separator = " " if query.lstrip().startswith("select") else ", "
        try:
            yield from rows_of(self._engine.execute(f"with {', '.join(self._views)}{separator}{query}"))
        except Exception as error:  # what fails while it streams has no type of its own
            raise StoreError(f"the ledger cannot be read: {error}", code="ledger_unavailable") from error

    def arrow(self, query: str) -> Table:
        """What `rows` gives, as one Arrow table; raises `StoreError` likewise."""
        separator = " " if query.lstrip().startswith("select") else ", "
        try:
            return self._engine.execute(f"with {', '.join(self._views)}{separator}{query}").read_all()
        except Exception as error:  # what fails in the engine has no type of its own
            raise StoreError(f"the ledger cannot be read: {error}", code="ledger_unavailable") from error

    def _view(self, path: Path, name: TableName) -> str:
        if not DeltaTable.is_deltatable(str(path)):
            nothing = ", ".join(f"cast(null as {_SQL_TYPES[kind]}) as {_quote(c)}" for c, kind in COLUMNS[name].items())
            return f"{name} as (select {nothing} where false)"
        table = DeltaTable(path)
        self._engine.register(_STORED + name, table)
        self.versions[name] = table.version()
        there = {field.name for field in table.schema().fields}
        columns = [
            _quote(column) if column in there else f"cast(null as {_SQL_TYPES[kind]}) as {_quote(column)}"
            for column, kind in COLUMNS[name].items()
        ]
        return f"{name} as (select {', '.join(columns)} from {_STORED}{name})"  # noqa: S608 -- names of our own


def _quote(column: str) -> str:
    return f'"{column}"'
