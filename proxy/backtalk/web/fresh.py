"""What has been decided but is not in the ledger yet: a bounded index over the end of the journal.

In: journal entries as they are appended. Out: the same rows as the ledger's, by what they are about. Rows leave when
the ledger has committed them; beyond the limit the oldest leave early, counted, and are then seen a few seconds later.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from backtalk.ledger.rows import Rows
from backtalk.ledger.schema import Row, TableName
from backtalk.model.facts import CallClosed, CallOpened, Fact, JournalEntry
from backtalk.model.meter import Meter

_LIMIT_ROWS: Final = 200_000
_LIMIT_BYTES: Final = 256 << 20
_ROW_BYTES: Final = 1024
"""What a row costs beside its texts."""
_KEYS: Final[Mapping[TableName, tuple[str, ...]]] = {
    "calls": ("trace_id", "session_id"),
    "messages": ("message_id",),
    "signals": ("trace_id", "shown_by_trace_id"),
    "feedback": ("trace_id", "response_id", "session_id", "feedback_id", "supersedes"),
    "erasures": (),
}


class _Held(NamedTuple):
    position: int
    table: TableName
    row: Row
    size_bytes: int


class FreshIndex:
    """Rows of the journal's end; used by one thread."""

    def __init__(
        self, rows: Rows, metrics: Meter, *, limit_rows: int = _LIMIT_ROWS, limit_bytes: int = _LIMIT_BYTES
    ) -> None:
        self._rows, self._metrics = rows, metrics
        self._limit_rows = limit_rows
        self._limit_bytes = limit_bytes
        self._used_bytes = 0
        self._held: deque[_Held] = deque()
        self._index: dict[tuple[TableName, str, str], dict[int, Row]] = {}
        self._open: dict[tuple[str, str], Row] = {}

    def __len__(self) -> int:
        return len(self._held)

    def add(self, position: int, entry: JournalEntry) -> None:
        """Take the facts of one entry; `position` is the journal's position behind it."""
        for fact in entry.facts:
            self._note_open(fact)
            for table, row in self._rows.of(fact):
                self._held.append(_Held(position, table, row, _size(row)))
                self._used_bytes += self._held[-1].size_bytes
                for key in _places(table, row):
                    self._index.setdefault(key, {})[id(row)] = row
        while len(self._held) > self._limit_rows or self._used_bytes > self._limit_bytes:
            self._forget(self._held.popleft())
            self._metrics.add("backtalk.web.fresh_dropped")

    def commit(self, position: int) -> None:
        """Let go of everything up to a position that the ledger has committed."""
        while self._held and self._held[0].position <= position:
            self._forget(self._held.popleft())

    def find(self, table: TableName, column: str, values: Iterable[str]) -> list[Row]:
        """The rows whose `column` is one of the values, in the journal's order."""
        found: dict[int, Row] = {}
        for value in values:
            found |= self._index.get((table, column, value), {})
        return list(found.values())

    def all(self, table: TableName, keep: Callable[[Row], bool]) -> list[Row]:
        """Every row of a table that `keep` accepts, oldest first."""
        return [held.row for held in self._held if held.table == table and keep(held.row)]

    def open_calls(self, keep: Callable[[Row], bool]) -> list[Row]:
        """Calls that have opened and not closed, as far as they are known."""
        return [row for row in self._open.values() if keep(row)]

    def _note_open(self, fact: Fact) -> None:
        if isinstance(fact, CallOpened):
            self._open[fact.key] = _opened_row(fact)
            if len(self._open) > self._limit_rows:
                del self._open[next(iter(self._open))]
        elif isinstance(fact, CallClosed):
            self._open.pop(fact.key, None)

    def _forget(self, held: _Held) -> None:
        self._used_bytes -= held.size_bytes
        for key in _places(held.table, held.row):
            rows = self._index.get(key, {})
            rows.pop(id(held.row), None)
            if not rows:
                self._index.pop(key, None)


def _size(row: Row) -> int:
    return _ROW_BYTES + sum(len(value) for value in row.values() if isinstance(value, str))


def _places(table: TableName, row: Row) -> list[tuple[TableName, str, str]]:
    return [(table, column, row[column]) for column in _KEYS[table] if row.get(column)]


def _opened_row(fact: CallOpened) -> dict[str, Any]:
    columns = (
        "trace_id",
        "span_id",
        "server_span_id",
        "parent_span_id",
        "opened_ns",
        "method",
        "path",
        "api",
        "tenant",
    )
    return {name: getattr(fact, name) for name in columns} | {
        "model": fact.request.model,
        "stream": fact.request.stream,
        "message_ids": [],
        "answer_ids": [],
    }
