"""What a dataset is made from, chunk by chunk: the queries run on an engine, their rows come side by side.

In: an engine and a scope. Out: the rows around some hundreds of calls at a time, and what is about no such call. The
one rule: each query runs once, over whole tables; nothing is looked up by id.
"""

from collections.abc import Iterator
from typing import Any, Final

from backtalk.datasets.engine import Engine
from backtalk.datasets.progress import SELECTING, Progress
from backtalk.datasets.prompts import LeftOut
from backtalk.datasets.queries.scope import CHUNK_CALLS, Scope
from backtalk.datasets.queries.steps import CHUNKED, KEPT, queries
from backtalk.datasets.surroundings import ChunkRows

_DIALECT: Final = "duckdb"
_BEYOND: Final = "beyond_limit"
_CHUNKS_A_QUERY: Final = 16
"""So many are sorted and read at once: some thousand calls."""


class Selection:
    """The calls that a scope names, with what is around them; reads an engine that its owner closes."""

    def __init__(self, engine: Engine, scope: Scope, progress: Progress) -> None:
        self._engine = engine
        self._queries = queries(scope, _DIALECT)
        kept = [(name, name) for name in KEPT] + [(name, _near(name)) for name in CHUNKED]
        for done, (name, table) in enumerate(kept):
            progress(SELECTING, done, len(kept))
            engine.keep(table, self._queries[name])
        progress(SELECTING, len(kept), len(kept))
        counted = self._one("counts")
        self.calls: Final = int(counted["calls"])
        """How many calls there are to look at."""
        self.unseen: Final = int(counted["unseen"])
        """How many are not, since their prompt has more answers than are looked at."""

    @property
    def newest_ns(self) -> int | None:
        """When the newest call in the tables arrived."""
        found: int | None = self._one("newest")["opened_ns"]
        return found

    def chunks(self) -> Iterator[ChunkRows]:
        """The calls to look at, whole prompts at a time, each chunk with all rows around it."""
        for first in range(0, self.calls // CHUNK_CALLS + 1, _CHUNKS_A_QUERY):
            last = first + _CHUNKS_A_QUERY - 1
            streams = {name: _Stream(self._engine.rows(_between(name, first, last))) for name in CHUNKED}
            for number in range(first, last + 1):
                found = ChunkRows(**{name: stream.take(number) for name, stream in streams.items()})
                if found.answers:
                    yield found

    def left_out(self) -> Iterator[LeftOut]:
        """Facts that no chunk holds."""
        for row in self._rows("beyond"):
            yield LeftOut(row["fact"], row["id"], _BEYOND)
        for row in self._rows("unsettled"):
            yield LeftOut("feedback", row["feedback_id"], row["reason"])

    def _rows(self, name: str) -> Iterator[dict[str, Any]]:
        return self._engine.rows(self._queries[name])

    def _one(self, name: str) -> dict[str, Any]:
        return next(self._rows(name))


class _Stream:
    """Rows in the order of chunks, taken a chunk at a time."""

    def __init__(self, rows: Iterator[dict[str, Any]]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def take(self, chunk: int) -> list[dict[str, Any]]:
        """The rows of the next chunk, where that is its number."""
        taken: list[dict[str, Any]] = []
        while self._next is not None and self._next["chunk"] == chunk:
            taken.append(self._next)
            self._next = next(self._rows, None)
        return taken


def _near(name: str) -> str:
    """Where a step's rows are kept: its own name may be a table's of the ledger."""
    return f"near_{name}"


def _between(name: str, first: int, last: int) -> str:
    return f"select * from {_near(name)} where chunk between {first} and {last} order by {CHUNKED[name]}"
