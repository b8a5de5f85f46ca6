"""The tables, written exactly once.

In: batches of journal entries with the position behind each. Out: committed versions. The one rule: each table
remembers the journal's position up to which it holds everything (a Delta app transaction: app = journal id, version =
position), and skips what it already has, so a batch that comes again after a kill changes nothing.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import DeltaError

from backtalk.errors import StoreError
from backtalk.ledger.durable import quarantine, sync_version
from backtalk.ledger.rows import Rows
from backtalk.ledger.schema import TABLES, Row, TableName, schema, to_arrow
from backtalk.model.facts import JournalEntry

_log = logging.getLogger(__name__)
_CONFIGURATION: Final = {"delta.logRetentionDuration": "interval 3650 days", "delta.checkpointInterval": "100"}
_KNOWN_MESSAGES: Final = 50_000
_NONE: Final = -1


class Ledger:
    """The four tables under one root, fed from one journal."""

    def __init__(self, root: Path, journal_id: str, *, rows: Rows, compact_every: int = 50) -> None:
        self._root = root
        self._journal_id = journal_id
        self._rows = rows
        self._compact_every = compact_every
        self._tables = {name: _open(root / name, name) for name in TABLES}
        self._positions = {name: self._position(name) for name in TABLES}
        self._commits = dict.fromkeys(TABLES, 0)
        self._known: dict[str, None] = {}

    @property
    def committed(self) -> int:
        """The journal's position up to which every table holds everything; 0 for a new journal."""
        return max(0, min(self._positions.values()))

    def commit(self, batch: Sequence[tuple[int, JournalEntry]]) -> None:
        """Append the batch's rows to each table that does not have them yet; raises `StoreError` where it cannot.

        `batch` holds (position behind the entry, entry) in the journal's order.
        """
        if not batch:
            return
        end = batch[-1][0]
        for name in TABLES:
            fresh = [entry for position, entry in batch if position > self._positions[name]]
            if fresh:
                self._append(name, self._table_rows(name, fresh), end)

    def compact(self, name: TableName) -> None:
        """Merge a table's small files; older versions stay readable."""
        table = DeltaTable(self._root / name)
        table.optimize.compact()
        sync_version(self._root / name, table.version())
        self._tables[name] = DeltaTable(self._root / name)

    def _table_rows(self, name: TableName, entries: Sequence[JournalEntry]) -> list[Row]:
        rows = [row for entry in entries for fact in entry.facts for table, row in self._rows.of(fact) if table == name]
        return self._unknown(rows) if name == "messages" else rows

    def _unknown(self, rows: Sequence[Row]) -> list[Row]:
        """Leave out messages written not long ago; one that is written again is the same row, and read once."""
        fresh: list[Row] = []
        for row in rows:
            if self._known.pop(row["message_id"], self) is self:
                fresh.append(row)
            self._known[row["message_id"]] = None
            if len(self._known) > _KNOWN_MESSAGES:
                del self._known[next(iter(self._known))]
        return fresh

    def _append(self, name: TableName, rows: Sequence[Row], end: int) -> None:
        if not rows:
            return self._skip(name, end)
        mark = CommitProperties(app_transactions=[Transaction(self._journal_id, end)])
        try:
            table = self._tables[name]
            write_deltalake(table, to_arrow(name, rows), mode="append", schema_mode="merge", commit_properties=mark)
            sync_version(self._root / name, table.version())
        except (DeltaError, OSError) as error:
            self._known.clear()
            self._reopen(name)
            raise StoreError(f"the table {name} cannot be written: {error}", code="ledger_unavailable") from error
        self._positions[name] = end
        self._commits[name] += 1
        if self._commits[name] % self._compact_every == 0:
            self.compact(name)
        return None

    def _skip(self, name: TableName, end: int) -> None:
        """Nothing for this table: its position moves on in memory; a restart looks at the same entries again."""
        self._positions[name] = end

    def _reopen(self, name: TableName) -> None:
        try:
            self._tables[name] = _open(self._root / name, name)
            self._positions[name] = self._position(name)
        except (DeltaError, OSError) as error:
            _log.warning("the ledger stays unavailable", extra={"table": name, "error": str(error)})

    def _position(self, name: TableName) -> int:
        position = self._tables[name].transaction_version(self._journal_id)
        return _NONE if position is None else position


def _open(path: Path, name: TableName) -> DeltaTable:
    path.mkdir(parents=True, exist_ok=True)
    torn = quarantine(path)
    if torn:
        _log.warning("a torn log entry was put aside", extra={"table": name, "files": [str(file) for file in torn]})
    if DeltaTable.is_deltatable(str(path)):
        return DeltaTable(path)
    return DeltaTable.create(path, schema=schema(name), partition_by=["dt"], configuration=dict(_CONFIGURATION))
