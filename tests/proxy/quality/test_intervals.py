"""Shares and their intervals."""

import pytest

from backtalk.quality.intervals import wilson


def test_nothing_counted_is_nothing_known() -> None:
    """The interval says so."""
    assert wilson(0, 0) == (0.0, 0.0, 1.0, 0)


def test_the_interval_is_wilsons() -> None:
    """Half of ten, and none of ten: an interval that does not collapse at the edge."""
    assert wilson(5, 10).low == pytest.approx(0.2366, abs=1e-4)
    assert wilson(0, 10)[:2] == (0.0, 0.0)
    assert wilson(0, 10).high == pytest.approx(0.2775, abs=1e-4)
