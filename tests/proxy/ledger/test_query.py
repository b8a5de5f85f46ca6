"""Queries over the ledger's tables."""

import shutil
from pathlib import Path

import pytest
from arro3.core import Array, DataType, Table
from deltalake import write_deltalake

from backtalk.errors import StoreError
from backtalk.ledger.query import LedgerQuery
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts, write_rows


def test_tables_are_joined_by_name(tmp_path: Path) -> None:
    """A query may name any table, and expressions of its own before the select."""
    call = stories.closed()
    write_facts(tmp_path, call, stories.signal(call.key, call.key))
    joined = "select s.kind, c.model from signals s join calls c on s.span_id = c.span_id"
    named = "stops as (select * from signals where kind = 'stop') select count(*) as n from stops"
    assert list(LedgerQuery(tmp_path).rows(joined)) == [{"kind": "regeneration", "model": "small"}]
    assert list(LedgerQuery(tmp_path).rows(named)) == [{"n": 0}]


def test_a_ledger_that_is_not_there_has_no_rows(tmp_path: Path) -> None:
    """Each table has all its columns and nothing in it."""
    ledger = LedgerQuery(tmp_path)
    assert list(ledger.rows("select trace_id, message_ids, cost_usd from calls")) == []
    assert ledger.versions == {}


def test_a_column_that_came_later_is_null_in_an_older_table(tmp_path: Path) -> None:
    """A ledger of an older version is read like one of this version."""
    write_facts(tmp_path, stories.closed())
    shutil.rmtree(tmp_path / "feedback")
    old = Table({"feedback_id": Array(["fb"], type=DataType.utf8())})
    write_deltalake(tmp_path / "feedback", old)
    rows = list(LedgerQuery(tmp_path).rows("select feedback_id, given_ns, comment from feedback"))
    assert rows == [{"feedback_id": "fb", "given_ns": None, "comment": None}]


def test_it_sees_the_tables_as_they_were_when_it_was_made(tmp_path: Path) -> None:
    """Several questions to one of them are about the same moment."""
    write_facts(tmp_path, stories.closed())
    ledger = LedgerQuery(tmp_path)
    write_rows(tmp_path, {"calls": [{"dt": "2026-01-01", "trace_id": "a" * 32}]})
    assert list(ledger.rows("select count(*) as n from calls")) == [{"n": 1}]
    assert list(LedgerQuery(tmp_path).rows("select count(*) as n from calls")) == [{"n": 2}]


def test_what_does_not_fit_into_the_memory_is_refused(tmp_path: Path) -> None:
    """A query never takes more than it may, and the refusal is one of ours."""
    rows = [{"dt": "2026-01-01", "trace_id": f"{number:032x}", "path": "x" * 200} for number in range(40_000)]
    write_rows(tmp_path, {"calls": rows})
    ledger = LedgerQuery(tmp_path, memory_bytes=1 << 20)
    with pytest.raises(StoreError, match="Resources exhausted"):
        list(ledger.rows("select a.path, b.path as other from calls a join calls b on a.trace_id = b.trace_id"))
