"""Ledgers for tests."""

from pathlib import Path

from backtalk.ledger.reader import LedgerReader
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts, write_rows


def test_facts_and_rows_are_read_back(tmp_path: Path) -> None:
    """Both ways make a ledger with every table in it, and rows may be added to one."""
    call = stories.closed()
    write_facts(tmp_path, call)
    write_rows(tmp_path, {"calls": [{"dt": "2026-01-01", "trace_id": "a" * 32, "span_id": "b" * 16}]})
    rows = LedgerReader(tmp_path).everything("calls", order="trace_id")
    assert {row["trace_id"] for row in rows} == {call.key.trace_id, "a" * 32}
    assert set(LedgerReader(tmp_path).versions()) == {"calls", "messages", "signals", "feedback", "erasures"}
