"""The files of the tables, for engines that read Parquet themselves.

In: the ledger's root, and versions to pin. Out: each table's version and its files. The one rule: the log of the table
says which files are its own; what else lies in its folder is no part of it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol, cast
from urllib.parse import unquote

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from backtalk.errors import StoreError
from backtalk.ledger.schema import TABLES, TableName


class TableFiles(NamedTuple):
    """A table at one version."""

    version: int
    paths: tuple[str, ...]
    """Parquet files, each in a folder named after its day: `dt=2026-01-31`."""


def table_files(root: Path, versions: Mapping[TableName, int] | None = None) -> dict[TableName, TableFiles]:
    """The files of every table that exists, now or at the given versions; raises `StoreError` where it cannot say."""
    found: dict[TableName, TableFiles] = {}
    try:
        for name in TABLES:
            if (versions is None or name in versions) and DeltaTable.is_deltatable(str(root / name)):
                found[name] = _files(root / name, None if versions is None else versions[name])
    except (DeltaError, OSError) as error:
        raise StoreError(f"the ledger cannot be read: {error}", code="ledger_unavailable") from error
    return found


def _files(path: Path, version: int | None) -> TableFiles:
    table = DeltaTable(path, version=version)
    actions = cast("_Actions", table.get_add_actions(flatten=True))
    paths = (str(path / unquote(name)) for name in actions.column("path").to_pylist())
    return TableFiles(table.version(), tuple(sorted(paths)))


class _Column(Protocol):
    def to_pylist(self) -> list[str]: ...


class _Actions(Protocol):
    """The part of Arrow's batches that is used; the library's own stubs name types that it does not bring."""

    def column(self, name: str) -> _Column: ...
