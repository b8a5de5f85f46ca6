"""Platt scaling: claimed and found shares agree afterwards."""

import pytest

from backtalk.text.platt import Platt, expected_error, fit, log_odds, logistic


def test_a_score_that_claims_too_much_is_brought_back() -> None:
    """Of 1,000 rows claimed at 0.9, six in ten were so; of as many at 0.2, one in ten."""
    rows = [(0.9, n < 600) for n in range(1000)] + [(0.2, n < 100) for n in range(1000)]
    curve = fit([log_odds(p) for p, _ in rows], [true for _, true in rows])
    assert curve(0.9) == pytest.approx(0.6, abs=0.01)
    assert curve(0.2) == pytest.approx(0.1, abs=0.01)
    assert expected_error([p for p, _ in rows], [t for _, t in rows]) == pytest.approx(0.2)
    assert expected_error([curve(p) for p, _ in rows], [t for _, t in rows]) < 0.01


def test_one_outcome_alone_calibrates_nothing() -> None:
    """Nobody knows where the other one begins."""
    with pytest.raises(ValueError, match="both outcomes"):
        fit([0.1, 0.2], [True, True])


def test_the_default_changes_nothing() -> None:
    """A deployment without feedback keeps what the detector says."""
    assert Platt()(0.37) == pytest.approx(0.37)
    assert logistic(log_odds(1.0)) == pytest.approx(1.0)
