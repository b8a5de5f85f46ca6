"""One Delta table, appended to exactly once.

In: rows, and the journal's position behind them. Out: a synced version. The one rule: the position is the version of a
Delta app transaction named after the journal, and a position that the table already has is never appended again. Delta
itself refuses only concurrent repeats, so the position is asked for first.

A version whose sync failed is taken back and written anew: after a failed fsync Linux may take the pages for clean, and
a second fsync succeeds without the data (Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020).
"""

import contextlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self, cast

from deltalake import (
    BloomFilterProperties,
    ColumnProperties,
    CommitProperties,
    DeltaTable,
    PostCommitHookProperties,
    QueryBuilder,
    Transaction,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import DeltaError
from deltalake.schema import ArrayType, PrimitiveType
from deltalake.schema import Field as DeltaField

from backtalk.errors import StoreError
from backtalk.ledger.durable import LOG, forget_before, log_entry, sync, sync_checkpoints, sync_newest, sync_versions
from backtalk.ledger.old_versions import LOG_DAYS, is_expiring, readable
from backtalk.ledger.quarantine import mend, put_aside
from backtalk.ledger.schema import COLUMNS, LOOKED_UP, Row, TableName, schema, to_arrow

_log = logging.getLogger(__name__)
CONFIGURATION: Final = {"delta.logRetentionDuration": f"interval {LOG_DAYS} days"}
COMPACTED_BYTES: Final = 32 << 20
"""A data file of this size is left alone by compaction, so that a day's rows are not rewritten again and again."""
_NO_HOOKS: Final = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)


class LedgerTable:
    """Owns one table; used by one thread."""

    def __init__(self, path: Path, name: TableName, journal_id: str) -> None:
        self.name: Final = name
        self._path = path
        self._journal_id = journal_id
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.torn: Final = mend(path)
        """What had to be put aside when the table was opened."""
        self._delta = _open_or_create(path, name)
        self._synced = self._delta.version()

    @classmethod
    def open(cls, path: Path, name: TableName, journal_id: str) -> Self:
        """Mend and open a table, or make it; raises `StoreError` where that is not possible now."""
        try:
            return cls(path, name, journal_id)
        except (DeltaError, OSError) as error:
            raise _unavailable(name, error) from error

    @property
    def version(self) -> int:
        """The table's version as last written or opened."""
        return self._delta.version()

    @property
    def position(self) -> int | None:
        """The journal's position behind the last appended rows; None where there are none of this journal."""
        try:
            return self._delta.transaction_version(self._journal_id)
        except (DeltaError, OSError) as error:
            raise self._failed(error) from error

    def append(self, rows: Sequence[Row], end: int) -> bool:
        """Append rows, unless there are none or the table has this position already (then False).

        A version whose sync failed is none: its rows are to come again.
        """
        try:
            self._take_back()
            new = bool(rows) and (self.position or 0) < end
            if new:
                self._write(rows, end)
            self._sync()
        except (DeltaError, OSError, ValueError, TypeError, OverflowError) as error:
            raise self._failed(error) from error
        return new

    def compact(self) -> None:
        """Merge small files and write a checkpoint; older versions stay readable."""
        try:
            self._take_back()
            delta = DeltaTable(self._path)
            delta.optimize.compact(
                target_size=COMPACTED_BYTES,
                max_concurrent_tasks=1,
                writer_properties=writer_properties(self.name),
                post_commithook_properties=_NO_HOOKS,
            )
            self._delta = delta
            self._sync()
            delta.create_checkpoint()
            sync_checkpoints(self._path)
        except (DeltaError, OSError, ValueError) as error:
            raise self._failed(error) from error

    def vacuum(self, keep: Collection[int] = ()) -> None:
        """Delete data files that no version of the last seven days names, and log entries that have expired.

        The versions to keep stay readable; what an erasure has taken of them is gone all the same.
        """
        kept = readable(self._path, keep)
        how: dict[str, Any] = {"keep_versions": kept or None, "post_commithook_properties": _NO_HOOKS}
        self._change(lambda: self._delta.vacuum(retention_hours=168, dry_run=False, **how))
        if not is_expiring(self._path, kept):
            self._change(self._delta.cleanup_metadata)

    def select(self, query: str) -> list[dict[str, Any]]:
        """The rows of a query on this table by its name; what stands in it was quoted by the caller."""
        try:
            found: Any = QueryBuilder().register(self.name, self._delta).execute(query).read_all()
            columns = {name: found.column(name).to_pylist() for name in found.column_names}
        except (DeltaError, OSError) as error:
            raise self._failed(error) from error
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

    def update(self, condition: str, values: Mapping[str, str]) -> None:
        """Write the rows anew that a condition names; `values` are SQL expressions by column."""
        how: dict[str, Any] = {"writer_properties": writer_properties(self.name)}
        self._change(
            lambda: self._delta.update(dict(values), predicate=condition, post_commithook_properties=_NO_HOOKS, **how)
        )

    def delete(self, condition: str) -> int:
        """Delete the rows that a condition names; gives how many they were."""
        how: dict[str, Any] = {"writer_properties": writer_properties(self.name)}
        told = self._change(lambda: self._delta.delete(condition, post_commithook_properties=_NO_HOOKS, **how))
        return int(told.get("num_deleted_rows") or 0)

    def widen(self) -> None:
        """Add the columns that a table of an older version lacks."""
        known = {field.name for field in self._delta.schema().fields}
        missing = [_field(name, kind) for name, kind in COLUMNS[self.name].items() if name not in known]
        if missing:
            self._change(lambda: self._delta.alter.add_columns(missing, post_commithook_properties=_NO_HOOKS))

    def forget_history(self) -> None:
        """Leave the newest version alone: no older one can be read, and no statistics of it are in the log."""
        self._change(
            lambda: self._delta.vacuum(
                retention_hours=0,
                dry_run=False,
                enforce_retention_duration=False,
                full=True,
                post_commithook_properties=_NO_HOOKS,
            )
        )
        try:
            self._delta.create_checkpoint()
            sync_checkpoints(self._path)
            forget_before(self._path, self._delta.version())
            self._delta = DeltaTable(self._path)
        except (DeltaError, OSError) as error:
            raise self._failed(error) from error

    def _change(self, change: Callable[[], Any]) -> dict[str, Any]:
        try:
            self._take_back()
            told = change()
            self._sync()
        except (DeltaError, OSError, ValueError) as error:
            raise self._failed(error) from error
        return cast("dict[str, Any]", told or {})

    def _write(self, rows: Sequence[Row], end: int) -> None:
        write_deltalake(
            self._delta,
            to_arrow(self.name, rows),
            mode="append",
            schema_mode="merge",
            writer_properties=writer_properties(self.name),
            commit_properties=CommitProperties(app_transactions=[Transaction(self._journal_id, end)]),
            post_commithook_properties=_NO_HOOKS,
        )

    def _failed(self, error: Exception) -> StoreError:
        """The error to raise; the table is opened anew, since what had been written is not known any more."""
        with contextlib.suppress(DeltaError, OSError):
            self._delta = DeltaTable(self._path)
        return _unavailable(self.name, error)

    def _sync(self) -> None:
        last = self._delta.version()
        if last != self._synced:
            try:
                sync_versions(self._path, self._synced, last)
            except OSError:
                self._take_back()
                raise
            self._synced = last

    def _take_back(self) -> None:
        """Put the versions aside that are not on disk for good; what could not be put aside now is before the next."""
        last = self._delta.version()
        if last <= self._synced:
            return
        for version in range(last, self._synced, -1):
            put_aside(log_entry(self._path, version))
        self._delta = DeltaTable(self._path)
        _log.error(
            "versions that could not be synced are taken back", extra={"table": self.name, "count": last - self._synced}
        )
        sync(self._path / LOG)


def _open_or_create(path: Path, name: TableName) -> DeltaTable:
    if DeltaTable.is_deltatable(str(path)) and any((path / LOG).glob("[0-9]*")):
        delta = DeltaTable(path)
        sync_newest(path, delta.version())
        return delta
    delta = DeltaTable.create(path, schema=schema(name), partition_by=["dt"], configuration=dict(CONFIGURATION))
    sync_versions(path, -1, 0)
    sync(path.parent)
    return delta


def _field(name: str, kind: str) -> DeltaField:
    if kind == "texts":
        return DeltaField(name, ArrayType(PrimitiveType("string"), contains_null=True))
    return DeltaField(name, PrimitiveType({"text": "string", "int": "long", "real": "double", "flag": "boolean"}[kind]))


def writer_properties(name: TableName) -> WriterProperties:
    """How a table's data files are written: compressed, in row groups small enough for their Bloom filters."""
    bloom = ColumnProperties(bloom_filter_properties=BloomFilterProperties(True, fpp=0.01, ndv=20_000))
    return WriterProperties(
        compression="ZSTD",
        compression_level=3,
        max_row_group_size=20_000,
        column_properties=dict.fromkeys(LOOKED_UP[name], bloom),
    )


def _unavailable(name: TableName, error: Exception) -> StoreError:
    return StoreError(f"the table {name} cannot be used: {error}", code="ledger_unavailable")
