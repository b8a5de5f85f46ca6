"""The table of a fit."""

from backtalk.commands import show_weights
from backtalk.datasets.fitting import FittedWeight, Fitting, Judgement


def test_a_weight_stands_beside_its_prior_with_interval_and_count() -> None:
    """And held-out verdicts by both."""
    weights = {"rating.up": FittedWeight(1.4, 2.254, 1.5, 3.0, 40)}
    fitting = Fitting(weights, 300, 200, 90, Judgement(0.5, 0.2, 0.1), Judgement(0.41239, 0.1, 0.05))
    lines = show_weights.fitted(fitting).splitlines()
    assert lines[0] == "300 answers with a verdict in 90 sessions, 200 of them good"
    assert lines[2].split() == ["rating.up", "1.40", "2.25", "1.50", "to", "3.00", "40"]
    assert lines[-2].split() == ["the", "priors", "0.5000", "0.2000", "0.1000"]
    assert lines[-1].split()[-3:] == ["0.4124", "0.1000", "0.0500"]
