"""Weights fitted to a ledger: verdicts are read, too few are refused, and the file is one that recipes take."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backtalk.datasets import weighing
from backtalk.datasets.fitting import FittedWeight, Fitting, Judgement
from backtalk.datasets.queries.scope import Scope
from backtalk.datasets.weights import PRIORS, read_weights
from backtalk.errors import SetupError
from backtalk.model.facts import Fact
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts
from backtalk.testing.selections import untold

FITTED = Fitting(
    {"rating.up": FittedWeight(1.4, 2.25, 1.5, 3.0, 40), "signal.stop": FittedWeight(-0.36, -20.0, -21.0, -19.0, 9)},
    300, 200, 90, Judgement(0.5, 0.2, 0.1), Judgement(0.4, 0.1, 0.05),
)  # fmt: skip


def labelled(count: int) -> Iterator[Fact]:
    """Answers with a label, two of three of them good; users liked four of five of the good ones."""
    for number in range(count):
        call = stories.closed(call=stories.opened(asked=f"Why {number}?"), session_id=f"s{number}")
        good = number % 3 > 0
        liked = good if number % 5 else not good
        yield call
        for kind, value, source in (("label", good, "reviewer"), ("rating", liked, "end_user")):
            about = {"target_trace_id": call.key.trace_id, "target_span_id": call.key.span_id}
            yield stories.feedback(kind=kind, value_json=str(value).lower(), source=source, **about)


def test_a_ledgers_verdicts_become_weights(tmp_path: Path) -> None:
    """What users said is fitted to what reviewers said; each weight has the sign that it had."""
    ledger = write_facts(tmp_path / "ledger", *labelled(240))
    found = weighing.weigh(ledger, Scope(), untold)
    assert (found.cases, found.good, found.sessions) == (240, 160, 240)
    assert set(found.weights) == {"rating.up", "rating.down"}
    assert found.weights["rating.up"].value > 0 > found.weights["rating.down"].value
    assert sum(one.cases for one in found.weights.values()) == 240


def test_too_few_verdicts_are_refused(tmp_path: Path) -> None:
    """With how many there are, and how many it takes."""
    ledger = write_facts(tmp_path / "ledger", *labelled(9))
    with pytest.raises(SetupError, match="9 answers have a label, an outcome or a review, 6 of them good"):
        weighing.weigh(ledger, Scope(), untold)


def test_where_there_is_no_ledger_it_is_said(tmp_path: Path) -> None:
    """As a build says it."""
    with pytest.raises(SetupError, match="there is no ledger"):
        weighing.weigh(tmp_path / "nowhere", Scope(), untold)


def test_the_file_is_one_that_a_recipe_takes(tmp_path: Path) -> None:
    """What was not fitted is the prior; nothing is written that the reader refuses."""
    file = tmp_path / "weights.toml"
    file.write_text(weighing.weights_text(FITTED), encoding="utf-8")
    found = read_weights(file).values
    assert (found["rating.up"], found["signal.stop"], found["score"]) == (2.25, -10.0, PRIORS["score"])
    assert "1.50 to 3.00, 40 answers, prior 1.4" in file.read_text(encoding="utf-8")
