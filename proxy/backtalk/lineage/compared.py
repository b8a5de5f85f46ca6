"""The rows of two datasets side by side, in a file that SQLite makes for it and that is gone when it is closed.

In: rows. Out: which are in one alone, which changed, which have other facts; each list in the order of its rows. The
one rule: memory does not grow with the rows.
"""

import hashlib
import sqlite3
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from backtalk.lineage.manifests import ManifestRow

Alone = Literal["added", "removed"]
Pairs = Literal["changed", "facts_changed"]
COUNTED: Final[tuple[Alone | Pairs | Literal["unchanged"], ...]] = (
    "unchanged", "added", "removed", "changed", "facts_changed",
)  # fmt: skip
_TABLES: Final = """
    create table before (sha256 text primary key, number integer, calls blob, facts blob, told blob);
    create table after (sha256 text primary key, number integer, calls blob, facts blob, told blob);
"""
_VIEWS: Final = """
    create index before_calls on before (calls);
    create index after_calls on after (calls);
    create temp table gone as select *, row_number() over (partition by calls order by number) as place
        from before where sha256 not in (select sha256 from after);
    create temp table come as select *, row_number() over (partition by calls order by number) as place
        from after where sha256 not in (select sha256 from before);
    create index come_of on come (calls, place);
    create temp view changed as select g.number, g.sha256 as old, c.sha256 as new, g.told as one, c.told as other
        from gone g join come c on g.calls = c.calls and g.place = c.place where g.calls is not null;
    create temp view facts_changed as select b.number, b.told as one, a.told as other
        from before b join after a on b.sha256 = a.sha256 where b.facts <> a.facts;
    create temp view unchanged as select b.number from before b join after a on b.sha256 = a.sha256;
    create temp view added as select number, told from come where sha256 not in (select new from changed);
    create temp view removed as select number, told from gone where sha256 not in (select old from changed);
"""
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(ManifestRow).decode


class Compared:
    """Owns the file; closed by its owner."""

    def __init__(self, before: Iterable[ManifestRow], after: Iterable[ManifestRow]) -> None:
        self._base = sqlite3.connect("", isolation_level=None)  # a file without a name: SQLite deletes it
        self._base.executescript("pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -32768;")
        self._base.executescript(_TABLES)
        self._base.execute("begin")
        for table, rows in (("before", before), ("after", after)):
            query = f"insert or replace into {table} values (?, ?, ?, ?, ?)"  # noqa: S608 -- one of two names
            self._base.executemany(query, map(_line, rows))
        self._base.executescript(_VIEWS)

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def count(self, name: Alone | Pairs | Literal["unchanged"]) -> int:
        """How many there are."""
        return int(self._base.execute(f"select count(*) from {name}").fetchone()[0])  # noqa: S608 -- a view's name

    def alone(self, name: Alone, most: int) -> list[ManifestRow]:
        """Rows that only one of the two has."""
        query = f"select told from {name} order by number limit ?"  # noqa: S608 -- a view's name
        return [_decode(told) for (told,) in self._base.execute(query, (most,))]

    def pairs(self, name: Pairs, most: int) -> list[tuple[ManifestRow, ManifestRow]]:
        """Rows as they were and as they are."""
        query = f"select one, other from {name} order by number limit ?"  # noqa: S608 -- a view's name
        return [(_decode(one), _decode(other)) for one, other in self._base.execute(query, (most,))]


def _line(row: ManifestRow) -> tuple[str, int, bytes | None, bytes, bytes]:
    calls = sorted({f"{call.trace_id}-{call.span_id}" for call in row.calls})
    return row.sha256, row.row, _hash(calls) if calls else None, _hash(sorted(row.facts)), _encode(row)


def _hash(names: Iterable[str]) -> bytes:
    return hashlib.blake2b("\n".join(names).encode(), digest_size=16).digest()
