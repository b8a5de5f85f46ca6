"""Conversion's query counts the signals that `ledger.counting` counts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtalk.ledger.counting import counting
from backtalk.ledger.query import LedgerQuery
from backtalk.ledger.schema import Row
from backtalk.quality.conversion_queries import signals
from backtalk.quality.coverage_queries import Period
from backtalk.testing.ledgers import write_rows

KEYS = st.tuples(st.sampled_from("abc"), st.sampled_from((None, 1, 2)))


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(KEYS, st.sampled_from(("signal", "withdrawal")), max_size=6))
def test_the_query_counts_as_the_ledger_does(
    tmp_path_factory: pytest.TempPathFactory, found: dict[tuple[str, int | None], str]
) -> None:
    """For any rows of replays and withdrawals; the worker's own row is there first, and a link is never one."""
    rows: list[Row] = [
        {"dt": "2026-01-01", "fact": fact, "signal_id": name, "replay": replay, "kind": "stop", "found_ns": 5}
        for (name, replay), fact in found.items()
        if replay is not None or fact == "signal"
    ]
    rows.append({"dt": "2026-01-01", "fact": "link", "kind": "new", "found_ns": 5})
    root = tmp_path_factory.mktemp("ledger")
    asked = LedgerQuery(write_rows(root, {"signals": rows})).rows(signals(Period(5, 6)))
    counted = [row["signal_id"] for row in counting(rows) if row["fact"] == "signal"]
    assert sorted(row["id"] for row in asked) == sorted(counted)
    assert list(LedgerQuery(root).rows(signals(Period(6, 7)))) == []
