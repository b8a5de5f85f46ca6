"""The views of notebooks give the signals that `ledger.counting` counts, and the calls of the period."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtalk.ledger.counting import counting
from backtalk.ledger.query import LedgerQuery
from backtalk.ledger.schema import Row
from backtalk.quality.coverage_queries import Period
from backtalk.quality.effective_queries import calls, signals
from backtalk.testing.ledgers import write_rows

KEYS = st.tuples(st.sampled_from("abc"), st.sampled_from((None, 1, 2)))
NAMES = ("signal_id", "replay")


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(KEYS, st.sampled_from(("signal", "withdrawal")), max_size=6))
def test_signals_count_as_the_ledger_counts(
    tmp_path_factory: pytest.TempPathFactory, found: dict[tuple[str, int | None], str]
) -> None:
    """For any rows of replays and withdrawals; and everything is every row."""
    rows: list[Row] = [
        {"dt": "2026-01-01", "fact": fact, "signal_id": name, "replay": replay, "kind": "stop", "found_ns": 5}
        for (name, replay), fact in found.items()
        if replay is not None or fact == "signal"
    ]
    ledger = LedgerQuery(write_rows(tmp_path_factory.mktemp("ledger"), {"signals": rows}))
    counted = sorted(str((row["signal_id"], row["replay"])) for row in counting(rows) if row["fact"] == "signal")
    asked = ledger.rows(signals(Period(5, 6), NAMES, superseded=False))
    assert sorted(str((row["signal_id"], row["replay"])) for row in asked) == counted
    assert len(list(ledger.rows(signals(Period(5, 6), NAMES, superseded=True)))) == len(rows)


def test_calls_are_those_that_arrived_in_the_period(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The end is not in it; the columns are those that were asked for, quoted."""
    rows: list[Row] = [{"dt": "1970-01-01", "opened_ns": at, "user": f"u{at}", "span_id": "s"} for at in (1, 2, 3)]
    ledger = LedgerQuery(write_rows(tmp_path_factory.mktemp("ledger"), {"calls": rows}))
    assert list(ledger.rows(calls(Period(2, 3), ["user", "opened_ns"]))) == [{"user": "u2", "opened_ns": 2}]
