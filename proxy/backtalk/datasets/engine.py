"""DuckDB over the ledger's files: the one door to it.

In: the ledger's root, versions, and SQL. Out: tables that are kept in a folder of its own, and rows, streamed. The one
rule: memory is bounded; what does not fit lies in the folder, which its owner deletes. Nothing is ever fetched: no
extension is loaded but those that are built in.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import duckdb

from backtalk.datasets.queries.tables import NAMES
from backtalk.errors import StoreError
from backtalk.ledger.files import table_files
from backtalk.ledger.schema import COLUMNS, TableName

MEMORY_BYTES: Final = 1 << 30
_MOST_THREADS: Final = 4
"""More would each want a share of the memory."""
_BATCH_ROWS: Final = 500
_FILE: Final = "selection.duckdb"
_QUIET: Final = "set enable_progress_bar = false"
"""Of each connection; a bar of its own would write over ours."""
_SQL_TYPES: Final = {"text": "varchar", "int": "bigint", "real": "double", "flag": "boolean", "texts": "varchar[]"}


class Engine:
    """Answers queries over the tables as they were when it was made; used by one thread, closed by its owner."""

    def __init__(
        self,
        ledger_root: Path,
        folder: Path,
        *,
        versions: Mapping[TableName, int] | None = None,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        files = table_files(ledger_root, versions)
        self.versions: Final[dict[TableName, int]] = {name: found.version for name, found in files.items()}
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{memory_bytes >> 20}MiB",
            "threads": min(_MOST_THREADS, os.cpu_count() or 1),
            "temp_directory": str(folder),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        try:
            self._base = duckdb.connect(folder / _FILE, config=settings)
            self._base.execute("set parquet_metadata_cache = true")
            self._base.execute(_QUIET)
            for name in NAMES:
                self._base.execute(self._view(name, files[name].paths if name in files else ()))
        except duckdb.Error as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        """Let go of the files."""
        self._base.close()

    def keep(self, name: str, query: str) -> None:
        """Run a query and keep what it gives under a name, for the queries after it."""
        try:
            self._base.execute(f"create table {name} as {query}")
        except duckdb.Error as error:
            raise _unavailable(error) from error

    def drop(self, name: str) -> None:
        """Let go of what was kept under a name, if anything was."""
        self._base.execute(f"drop table if exists {name}")

    def rows(self, query: str) -> Iterator[dict[str, Any]]:
        """The rows of a query, streamed; several may be read side by side."""
        try:
            with self._base.cursor() as cursor:
                cursor.execute(_QUIET)
                found = cursor.execute(query)
                names = [column[0] for column in found.description or ()]
                while batch := found.fetchmany(_BATCH_ROWS):
                    yield from (dict(zip(names, values, strict=True)) for values in batch)
        except duckdb.Error as error:
            raise _unavailable(error) from error

    def _view(self, name: TableName, paths: tuple[str, ...]) -> str:
        kinds = COLUMNS[name]
        if not paths:
            nothing = ", ".join(f'cast(null as {_SQL_TYPES[kind]}) as "{c}"' for c, kind in kinds.items())
            return f"create view {name} as select {nothing} where false"
        files = ", ".join(_quoted(path) for path in paths)
        source = (
            f"read_parquet([{files}], hive_partitioning = true, hive_types = {{'dt': varchar}}, union_by_name = true)"
        )
        there = {row[0] for row in self._base.execute(f"describe select * from {source}").fetchall()}
        columns = ", ".join(
            f'cast({_column(column, there)} as {_SQL_TYPES[kind]}) as "{column}"' for column, kind in kinds.items()
        )
        return f"create view {name} as select {columns} from {source}"


def _column(name: str, there: set[str]) -> str:
    """The column, or null where the table is older."""
    return f'"{name}"' if name in there else "null"


def _quoted(path: str) -> str:
    """A path as DuckDB reads it: in quotes, and what would be a pattern taken at its word."""
    literal = "".join(f"[{char}]" if char in "*?[" else char for char in path)
    return "'" + literal.replace("'", "''") + "'"


def _unavailable(error: duckdb.Error) -> StoreError:
    said = str(error).partition("\n")[0]
    return StoreError(f"the ledger cannot be read: {said}", code="ledger_unavailable")
