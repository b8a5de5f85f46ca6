"""Values of builders."""

import math

import pytest

from backtalk.plugin import Reason
from backtalk.testing.samples import a_sample, an_answer, thumb


def test_quality_is_the_logistic_of_all_evidence() -> None:
    """Nothing known is one half."""
    assert an_answer("x").quality == 0.5
    assert an_answer("x", thumb(True), thumb(False)).quality == pytest.approx(1 / (1 + math.exp(0.9)))


def test_weight_counts_each_fact_once_by_its_largest_weight() -> None:
    """Two halves make three quarters; one fact under two rules stays one."""
    reasons = (
        Reason("signal", "s-1", "a", 0.5),
        Reason("signal", "s-1", "b", 0.2),
        Reason("feedback", "f-1", "a", 0.5),
    )
    assert a_sample(reasons=reasons).weight == 0.75
