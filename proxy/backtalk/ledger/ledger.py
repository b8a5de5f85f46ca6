"""The tables, written exactly once from one journal.

In: batches of journal entries with the position behind each. Out: commits. The one rule: each table knows the position
up to which it holds everything and skips what it has, so a batch that comes again after a kill changes nothing. Where
a table got no rows its position stays behind; the mark says how far all of them are, and is saved after every sync. A
table that is behind its own mark was put back from a copy: the journal is read again from there.
"""

import fcntl
import logging
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol

from backtalk.errors import SetupError, StoreError
from backtalk.ledger.erasing import Erasure, Order, erase
from backtalk.ledger.rows import Rows
from backtalk.ledger.schema import TABLES, Row, TableName
from backtalk.ledger.table import LedgerTable
from backtalk.model.facts import JournalEntry
from backtalk.telemetry import Metrics

_log = logging.getLogger(__name__)
_KNOWN_MESSAGES: Final = 50_000
Pins = Mapping[TableName, Collection[int]]
"""Versions of tables that are to stay readable."""


class Mark(Protocol):
    """Where the ledger's position in the journal is kept (`spool.Cursor` is one); readers evict behind it."""

    def load(self) -> int | None:
        """The saved position, None where there is none."""
        ...

    def save(self, offset: int) -> None:
        """Keep a position, durable on return."""
        ...


class Ledger:
    """The tables under one root; the only writer there, used by one thread (`committed` by any)."""

    def __init__(
        self,
        root: Path,
        journal_id: str,
        *,
        rows: Rows,
        compact_every: int = 50,
        mark: Mark | None = None,
        table_marks: Mapping[TableName, Mark] = MappingProxyType({}),
        pins: Callable[[], Pins] = dict,
        metrics: Metrics | None = None,
    ) -> None:
        self._lock: int | None = _lock(root)
        self._rows = rows
        self._compact_every = compact_every
        self._mark, self._table_marks = mark, table_marks
        self._pins = pins
        self._metrics = metrics or Metrics("ledger")
        self._tables: dict[TableName, LedgerTable] = {}
        for name in TABLES:
            self._tables[name] = LedgerTable.open(root / name, name, journal_id)
        self._known: dict[tuple[str, str], None] = {}
        self._commits = 0
        self._vacuumed = ""
        self._committed = self._resume()

    @property
    def committed(self) -> int:
        """The journal's position up to which every table holds everything, synced; 0 for a new journal."""
        return self._committed

    def versions(self) -> dict[TableName, int]:
        """The version of each table."""
        found: dict[TableName, int] = {}
        found.update((name, table.version) for name, table in self._tables.items())
        return found

    def tables(self) -> tuple[LedgerTable, ...]:
        """The tables, in the order in which they are written."""
        return tuple(self._tables.values())

    def commit(self, batch: Sequence[tuple[int, JournalEntry]]) -> None:
        """Append the batch's rows to each table that lacks them; raises `StoreError`, and may then be repeated.

        `batch` holds (position behind the entry, entry) in the journal's order.
        """
        if not batch:
            return
        end = batch[-1][0]
        made = self._made(batch)
        for name, table in self._tables.items():
            rows = _behind(made, name, table.position or 0)
            if name == "messages":
                rows = [row for row in _distinct(rows) if _message_key(row) not in self._known]
            if table.append(rows, end):
                self._metrics.add("backtalk.ledger.commits", table=name)
                if name in self._table_marks:
                    self._table_marks[name].save(end)
            if name == "messages":
                self._remember(rows)
        self._advance(end)

    def maintain(self, today: str) -> bool:
        """Compact after every `compact_every` commits, vacuum once a day; True where there was something to do.

        What `pins` names is kept; where it cannot be asked, nothing is deleted.
        """
        if self._commits < self._compact_every:
            return False
        self._commits = 0
        for table in self._tables.values():
            table.compact()
        if self._vacuumed != today and (pinned := self._pinned()) is not None:
            for name, table in self._tables.items():
                table.vacuum(pinned.get(name, ()))
            self._vacuumed = today
        return True

    def _pinned(self) -> Pins | None:
        try:
            return self._pins()
        except StoreError as error:
            _log.warning("nothing old is deleted: it cannot be said what is in use", extra={"error": error.message})
            return None

    def erase(self, order: Order) -> Erasure:
        """Take a person's texts out of the tables; raises `StoreError`, and may then be repeated."""
        self._known.clear()  # what was written before may be gone, and is to be written again where others say it
        return erase(self._tables, order)

    def close(self) -> None:
        """Let the ledger go, so that another may write it; closing again does nothing."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _resume(self) -> int:
        positions = [table.position or 0 for table in self._tables.values()]
        marked = (self._mark.load() if self._mark else None) or 0
        torn = {name: table.torn for name, table in self._tables.items() if table.torn}
        if torn:
            _log.warning(
                "torn files were put aside", extra={"tables": {k: [str(p) for p in v] for k, v in torn.items()}}
            )
            return min(positions)
        behind = {name: table.position or 0 for name, table in self._tables.items() if self._is_behind(name, table)}
        if behind:
            _log.warning("tables are older than their marks; the journal is read again", extra={"tables": behind})
            return min(behind.values())
        return max(marked, min(positions))

    def _is_behind(self, name: TableName, table: LedgerTable) -> bool:
        mark = self._table_marks.get(name)
        return mark is not None and (table.position or 0) < (mark.load() or 0)

    def _made(self, batch: Iterable[tuple[int, JournalEntry]]) -> list[tuple[int, TableName, Row]]:
        return [(at, name, row) for at, entry in batch for fact in entry.facts for name, row in self._rows.of(fact)]

    def _advance(self, end: int) -> None:
        if end <= self._committed:
            return
        if self._mark:
            self._mark.save(end)
        self._committed = end
        self._commits += 1

    def _remember(self, rows: Iterable[Row]) -> None:
        """Messages that were written today are left out from now on; one written twice is read once all the same."""
        for row in rows:
            self._known[_message_key(row)] = None
        while len(self._known) > _KNOWN_MESSAGES:
            del self._known[next(iter(self._known))]


def _behind(made: Iterable[tuple[int, TableName, Row]], name: TableName, position: int) -> list[Row]:
    return [row for at, table, row in made if table == name and at > position]


def _distinct(rows: Iterable[Row]) -> list[Row]:
    return list({_message_key(row): row for row in rows}.values())


def _message_key(row: Row) -> tuple[str, str]:
    return row["dt"], row["message_id"]


def _lock(root: Path) -> int:
    """The lock of the ledger's one writer; the kernel frees it with the process."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(root / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise SetupError(f"another process writes the ledger in {root}", code="ledger_in_use") from error
    return descriptor
