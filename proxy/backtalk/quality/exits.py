"""Where facts left, by their ids: what datasets in use made of each, in a file that is gone when it is closed.

In: manifests in the order of their building. Out: the exit of an id. The one rule: the latest dataset's word on a fact
holds, but a row in any of them is a row, and one to train on before one to evaluate with; memory does not grow with the
datasets.
"""

import sqlite3
from collections.abc import Iterator
from typing import Final

from backtalk.lineage.manifests import Manifest

TRAINING: Final = "training"
EVALUATION: Final = "evaluation"
_TABLE: Final = "create table exits (id text primary key, way text, is_row integer) without rowid"
_LEFT_OUT: Final = """insert into exits values (?, ?, 0)
    on conflict (id) do update set way = excluded.way where not is_row"""
_ROW: Final = """insert into exits values (?, ?, 1)
    on conflict (id) do update set way = excluded.way, is_row = 1 where not is_row or way <> 'training'"""


class Exits:
    """Owns the file; closed by its owner."""

    def __init__(self) -> None:
        self._base = sqlite3.connect("", isolation_level=None)  # a file without a name: SQLite deletes it
        self._base.executescript("pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -32768;")
        self._base.execute(_TABLE)
        self._base.execute("begin")

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def add(self, manifest: Manifest) -> None:
        """Remember what one more dataset made of facts."""
        purpose = EVALUATION if manifest.head.kind.startswith("eval") else TRAINING
        self._base.executemany(_LEFT_OUT, ((one.feedback_id or one.signal_id, one.reason) for one in manifest.left_out))
        self._base.executemany(_ROW, ((name, purpose) for name in _facts(manifest)))

    def of(self, name: str) -> str | None:
        """Where a fact left; None where no dataset says anything of it."""
        found = self._base.execute("select way from exits where id = ?", (name,)).fetchone()
        return None if found is None else str(found[0])


def _facts(manifest: Manifest) -> Iterator[str]:
    for row in manifest.rows:
        yield from row.facts
