"""Is the trained model better, and who is told."""

import pytest

from backtalk.pipeline.measuring import Gain
from backtalk.pipeline.proposal_steps import decide
from backtalk.pipeline.sections import Evaluate

ASKED = Evaluate(current="small", min_gain=0.02, min_cases=30)


@pytest.mark.parametrize(
    ("gain", "better", "said"),
    [
        (
            Gain("exact", 0.1, 0.03, 0.17, 100),
            True,
            "exact gain +0.100, 95% interval +0.030 to +0.170, 100 cases: above",
        ),
        (Gain("exact", 0.1, 0.02, 0.18, 100), False, "no proposal: exact gain +0.100"),
        (Gain("exact", 0.1, -0.01, 0.21, 100), False, "the interval does not lie above 0.02"),
        (Gain("exact", 0.5, 0.4, 0.6, 29), False, "at least 30 are wanted"),
        (Gain("exact", 0.0, -1.0, 1.0, 0), False, "at least 30 are wanted"),
    ],
)
def test_a_proposal_stands_where_the_whole_interval_lies_above(gain: Gain, better: bool, said: str) -> None:
    """With enough cases; else the sentence says why there is none."""
    decision = decide(ASKED, gain)
    assert (decision.better, said in decision.sentence) == (better, True)
