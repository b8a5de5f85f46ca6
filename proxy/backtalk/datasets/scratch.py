"""Where a build keeps what does not fit into memory: a SQLite file of its own, gone with the build.

In: rows as bytes, keys, hashes and marks. Out: the same, in the order in which they came. The one rule: what is held in
memory does not grow with the dataset, but for eight bytes a mark while rows are split.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from backtalk.datasets.prompts import LeftOut

MOST_IN_BAND: Final = 64
"""Texts of one mould share bands by the thousand without being near; each is compared with so many of them."""
_SIGNATURES_HELD: Final = 8_192
"""Crowded bands give the same few signatures again and again; 5 MB of them are held."""
_TABLES: Final = """
    create table rows (id integer primary key, key blob unique, payload blob);
    create table splits (id integer primary key, name text);
    create table bands (band integer, id integer, primary key (band, id)) without rowid;
    create table signatures (id integer primary key, numbers blob);
    create table evaluated (run integer primary key) without rowid;
    create table marks (id integer primary key, name text unique);
    create table row_marks (row integer, mark integer, primary key (row, mark)) without rowid;
    create table users (name text primary key, rows integer) without rowid;
    create table used (fact text, id text, primary key (fact, id)) without rowid;
    create table left_out (fact text, id text, reason text, primary key (fact, id, reason)) without rowid;
"""


class Scratch:
    """A build's scratch file; used by one thread, closed by its owner."""

    def __init__(self, file: Path) -> None:
        self._base = sqlite3.connect(file, isolation_level=None)
        self._base.executescript("pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -65536;")
        self._base.executescript(_TABLES)
        self._base.execute("begin")
        self._numbers = lru_cache(_SIGNATURES_HELD)(self._signature)

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def add(self, key: bytes, payload: bytes) -> int:
        """Keep a row; returns its number."""
        cursor = self._base.execute("insert into rows (key, payload) values (?, ?)", (key, payload))
        return cursor.lastrowid or 0

    def row_with(self, key: bytes) -> tuple[int, bytes] | None:
        """The row with this key: its number and its bytes."""
        found = self._base.execute("select id, payload from rows where key = ?", (key,)).fetchone()
        return None if found is None else (int(found[0]), bytes(found[1]))

    def replace(self, number: int, payload: bytes) -> None:
        """Put other bytes in a row's place."""
        self._base.execute("update rows set payload = ? where id = ?", (payload, number))

    def payloads(self) -> Iterator[tuple[str, bytes]]:
        """Every row with its split, in order."""
        query = "select s.name, r.payload from rows r left join splits s on s.id = r.id order by r.id"
        yield from self._base.execute(query)

    def row_count(self) -> int:
        """How many rows there are."""
        return int(self._base.execute("select count(*) from rows").fetchone()[0])

    def remember(self, number: int, bands: Iterable[int], signature: bytes) -> None:
        """Keep a row's signature under its bands."""
        self._base.executemany("insert into bands values (?, ?)", ((band, number) for band in bands))
        self._base.execute("insert into signatures values (?, ?)", (number, signature))

    def signatures_near(self, bands: Sequence[int], least_shared: int = 1) -> Iterator[bytes]:
        """The signatures of rows that share so many bands; of more in one band the first `MOST_IN_BAND`.

        A band with more may hold any row, so it counts for all.
        """
        found = Counter[int]()
        query = "select id from bands where band = ? order by id limit ?"
        for band in bands:
            here = self._base.execute(query, (band, MOST_IN_BAND)).fetchall()
            least_shared -= len(here) == MOST_IN_BAND
            found.update(number for (number,) in here)
        for number in sorted(number for number, shared in found.items() if shared >= least_shared):
            yield self._numbers(number)

    def _signature(self, number: int) -> bytes:
        found = self._base.execute("select numbers from signatures where id = ?", (number,)).fetchone()
        return bytes(found[0])

    def add_runs(self, runs: Iterable[int]) -> None:
        """Keep the runs of evaluations."""
        self._base.executemany("insert or ignore into evaluated values (?)", ((run,) for run in runs))

    def is_evaluated(self, runs: Iterable[int]) -> bool:
        """Whether one of the runs stands in an evaluation."""
        query = "select 1 from evaluated where run = ?"
        return any(self._base.execute(query, (run,)).fetchone() for run in runs)

    def rows_of_user(self, name: str) -> int:
        """How many rows a user has."""
        found = self._base.execute("select rows from users where name = ?", (name,)).fetchone()
        return int(found[0]) if found else 0

    def count_user(self, name: str) -> None:
        """One more row of a user."""
        query = "insert into users values (?, 1) on conflict (name) do update set rows = rows + 1"
        self._base.execute(query, (name,))

    def mark(self, number: int, names: Iterable[str]) -> None:
        """Tie a row to its session, its users and its prompt."""
        named = list(names)
        self._base.executemany("insert or ignore into marks (name) values (?)", ((name,) for name in named))
        query = "insert or ignore into row_marks select ?, id from marks where name = ?"
        self._base.executemany(query, ((number, name) for name in named))

    def marks(self) -> Iterator[tuple[int, str]]:
        """Every mark's number and name, in the order of the names."""
        yield from self._base.execute("select id, name from marks order by name")

    def mark_count(self) -> int:
        """How many marks there are."""
        return int(self._base.execute("select count(*) from marks").fetchone()[0])

    def row_marks(self) -> Iterator[tuple[int, int]]:
        """Rows with their marks, in the order of the rows."""
        yield from self._base.execute("select row, mark from row_marks order by row, mark")

    def assign(self, splits: Iterable[tuple[int, str]]) -> None:
        """Give rows their splits."""
        self._base.executemany("insert or replace into splits values (?, ?)", splits)

    def use(self, facts: Iterable[tuple[str, str]]) -> None:
        """Facts that became part of a row."""
        self._base.executemany("insert or ignore into used values (?, ?)", facts)

    def leave_out(self, facts: Iterable[tuple[str, str, str]]) -> None:
        """Facts that made no row, each with a reason; said twice, it counts once."""
        self._base.executemany("insert or ignore into left_out values (?, ?, ?)", facts)

    def left_out(self) -> Iterator[LeftOut]:
        """The facts that are part of no row, with one reason each."""
        query = """select l.fact, l.id, coalesce(min(nullif(l.reason, 'unused')), 'unused')
            from left_out l left join used u on u.fact = l.fact and u.id = l.id
            where u.id is null group by l.fact, l.id order by l.fact, l.id"""
        found = self._base.execute(query)
        yield from (LeftOut(*row) for row in found)
