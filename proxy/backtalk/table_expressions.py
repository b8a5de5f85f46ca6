"""The ledger's tables as Ibis expressions on DuckDB, for notebooks: nothing is read until something is asked of them.

In: a ledger's root, a period, columns. Out: table expressions of one connection, so that they can be joined. The one
rule: memory is bounded; filters and columns reach the files, and what does not fit lies in a folder that goes with the
connection.
"""

import importlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from backtalk.errors import SetupError
from backtalk.ledger.days import day
from backtalk.ledger.files import table_files
from backtalk.ledger.schema import COLUMNS, TableName

MEMORY_BYTES: Final = 1 << 30
_TYPES: Final = {"text": "string", "int": "int64", "real": "float64", "flag": "boolean", "texts": "array<string>"}


def load(name: str) -> Any:
    """A library of the extra `notebook`; raises `SetupError` where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        message = f"{name} is not installed: pip install 'backtalk[notebook]'"
        raise SetupError(message, code="not_installed") from error


class TableExpressions:
    """Expressions over the tables under a root, each as its table was when it was asked for; used by one thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._ibis = load("ibis")
        load("pandas")
        load("pyarrow")
        self._folder = tempfile.TemporaryDirectory(prefix="backtalk-notebook-", ignore_cleanup_errors=True)
        self._base = self._ibis.duckdb.connect(
            memory_limit=f"{MEMORY_BYTES >> 20}MiB",
            temp_directory=self._folder.name,
            autoinstall_known_extensions=False,
            autoload_known_extensions=False,
        )

    def calls(self, since_ns: int, until_ns: int, columns: Sequence[str]) -> Any:
        """Calls that arrived in a period, in no order."""
        return self._within("calls", "opened_ns", since_ns, until_ns).select(*columns)

    def signals(self, since_ns: int, until_ns: int, columns: Sequence[str], *, superseded: bool) -> Any:
        """Signals found in a period that count; with `superseded` every row there ever was."""
        found = self._within("signals", "found_ns", since_ns, until_ns)
        if superseded:
            return found.select(*columns)
        every = self._table("signals")
        latest = every.filter(every.replay.notnull()).group_by("signal_id").agg(latest=every.replay.max())
        both = found.filter(found.fact == "signal").left_join(latest, "signal_id")
        return both.filter(both.latest.isnull() | (both.replay == both.latest)).select(*columns)

    def rows(self, table: Any) -> Any:
        """An Arrow table as an expression of the same connection."""
        return self._ibis.memtable(load("pyarrow").table(table))

    def _within(self, name: TableName, at: str, since_ns: int, until_ns: int) -> Any:
        table = self._table(name)
        return table.filter(table.dt >= day(max(since_ns, 0)), table[at] >= since_ns, table[at] < until_ns)

    def _table(self, name: TableName) -> Any:
        """Every column of the schema: null where the table is older, no rows where there is no table."""
        kinds = {column: _TYPES[kind] for column, kind in COLUMNS[name].items()}
        found = table_files(self._root).get(name)
        if found is None or not found.paths:
            return self._ibis.memtable([], schema=kinds)
        table = self._base.read_parquet(
            [_literal(path) for path in found.paths],
            hive_partitioning=True,
            hive_types_autocast=False,
            union_by_name=True,
        )
        return table.select(
            **{
                column: (table[column] if column in table.columns else self._ibis.null()).cast(kind)
                for column, kind in kinds.items()
            }
        )


def _literal(path: str) -> str:
    """A path of which nothing is taken for a pattern."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in path)
