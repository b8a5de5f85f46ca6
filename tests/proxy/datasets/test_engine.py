"""DuckDB over the ledger's files."""

from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake

from backtalk.datasets.engine import Engine
from backtalk.errors import StoreError
from backtalk.ledger.schema import arrow_table
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts


def test_paths_are_no_patterns_and_cannot_leave_their_quotes(tmp_path: Path) -> None:
    """A folder may be called anything."""
    root = write_facts(tmp_path / "it's a *? ü", stories.closed())
    with closing(Engine(root, tmp_path)) as engine:
        assert [row["dt"] for row in engine.rows("select dt from calls")] == ["2026-01-01"]


def test_old_and_absent_tables_have_every_column(tmp_path: Path) -> None:
    """Null where a file is older than a column, no rows where there is no table."""
    old = arrow_table({"dt": "text", "trace_id": "text"}, [{"dt": "2026-01-01", "trace_id": "old"}])
    new = arrow_table(
        {"dt": "text", "span_id": "text", "trace_id": "text"}, [{"dt": "2026-01-02", "trace_id": "new", "span_id": "s"}]
    )
    write_deltalake(tmp_path / "calls", old, partition_by=["dt"])
    write_deltalake(tmp_path / "calls", new, mode="append", schema_mode="merge")
    query = "select dt, trace_id, span_id, message_ids, purpose from calls order by trace_id"
    with closing(Engine(tmp_path, tmp_path)) as engine:
        assert [tuple(row.values()) for row in engine.rows(query)] == [
            ("2026-01-02", "new", "s", None, None),
            ("2026-01-01", "old", None, None, None),
        ]
        assert list(engine.rows("select feedback_id from feedback")) == []
        assert engine.versions == {"calls": 1}


def test_versions_are_pinned(tmp_path: Path) -> None:
    """What came later is not there."""
    root = write_facts(tmp_path / "ledger", stories.closed())
    version = DeltaTable(root / "calls").version()
    write_facts(root, stories.closed())
    with closing(Engine(root, tmp_path, versions={"calls": version})) as engine:
        assert next(engine.rows("select count(*) as calls from calls"))["calls"] == 1


def test_results_stream_side_by_side(tmp_path: Path) -> None:
    """A result that is being read holds up no other, and one that nobody reads to its end is let go."""
    with closing(Engine(tmp_path, tmp_path, memory_bytes=128 << 20)) as engine:
        engine.keep("numbers", "select range as n, repeat('x', 500) as text from range(400000)")
        first = engine.rows("select * from numbers where n < 20000 order by n % 7, n")
        second = engine.rows("select * from numbers where n < 20000 order by n % 7, n desc")
        assert [row["n"] for row in islice(first, 2)] == [0, 7]
        assert next(second)["n"] == 19_999 - 19_999 % 7
        assert next(first)["n"] == 14


def test_what_cannot_be_answered_is_said(tmp_path: Path) -> None:
    """A query that needs more memory than there is, or a file that is gone."""
    root = write_facts(tmp_path / "ledger", stories.closed())
    with closing(Engine(root, tmp_path)) as engine:
        for file in (root / "calls").rglob("*.parquet"):
            file.unlink()
        with pytest.raises(StoreError, match="the ledger cannot be read"):
            list(engine.rows("select span_id from calls"))
        with pytest.raises(StoreError, match="the ledger cannot be read"):
            engine.keep("wrong", "select nothing")


def test_no_extension_is_fetched(tmp_path: Path) -> None:
    """What is not built in is refused without a look at the network."""
    with closing(Engine(tmp_path, tmp_path)) as engine:
        loaded = {
            row["extension_name"] for row in engine.rows("select extension_name from duckdb_extensions() where loaded")
        }
        assert loaded <= {"core_functions", "icu", "json", "parquet", "jemalloc"}
        with pytest.raises(StoreError):
            list(engine.rows("select * from read_csv('https://127.0.0.1:9/x.csv')"))
