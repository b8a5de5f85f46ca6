"""Evaluations of others as feedback of ours."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.errors import RequestError
from backtalk.feedback.evaluations import Evaluation, as_feedback, metric_of

TARGET = {"trace_id": "1" * 32, "span_id": "2" * 16}


def test_a_score_is_a_score_with_its_explanation() -> None:
    """Under the evaluation's name, about its call, at its time."""
    (one,) = as_feedback(Evaluation("Relevance", TARGET, 0.5, explanation="fine", at_s=1.5), may_label=False)
    assert one.pop("id")
    assert one == {"kind": "score", "value": 0.5, "metric": "Relevance", "comment": "fine", "at": 1.5, **TARGET}


@pytest.mark.parametrize(("may_label", "kind"), [(True, "label"), (False, "outcome")])
def test_a_label_is_a_label_of_those_who_may(may_label: bool, kind: str) -> None:
    """Others say it as an outcome's category, so that it is not lost."""
    (one,) = as_feedback(Evaluation("tone", TARGET, label="rude"), may_label=may_label)
    assert (one["kind"], one["value"], one["metric"]) == (kind, "rude", "tone")


def test_a_score_with_a_label_counts_once_under_its_name() -> None:
    """The label has a metric of its own, which fits into what a metric may be called."""
    both = as_feedback(Evaluation("n" * 64, TARGET, 1.0, "pass", "why"), may_label=True)
    assert [one["metric"] for one in both] == ["n" * 64, "n" * 58 + ".label"]
    assert ["comment" in one for one in both] == [True, False]
    assert both[0]["id"] != both[1]["id"]


def test_words_alone_are_a_comment_and_nothing_is_refused() -> None:
    """An evaluation that failed has no result."""
    assert as_feedback(Evaluation("x", TARGET, explanation="hm"), may_label=False)[0]["kind"] == "comment"
    with pytest.raises(RequestError, match="score, a label or an explanation"):
        as_feedback(Evaluation("x", TARGET), may_label=False)


def test_the_same_said_again_has_the_same_key() -> None:
    """Exporters repeat what they got no answer to; another value is another feedback."""
    first, again, other = (as_feedback(Evaluation("x", TARGET, n), may_label=False)[0]["id"] for n in (1.0, 1.0, 2.0))
    assert first == again != other


@given(st.text(max_size=100))
def test_every_name_becomes_one_that_a_metric_may_have(name: str) -> None:
    """Whatever others call it."""
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_.:-]{0,63}", metric_of(name))
