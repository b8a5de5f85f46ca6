"""Who may say what, and what the settings declare."""

from typing import Any

import pytest

from backtalk.errors import RequestError
from backtalk.feedback.admission import Speaker, admit, pseudonym
from backtalk.model.feedback import FeedbackBody
from backtalk.settings.metrics import MetricSettings

_SECRET = b"s" * 32
_DECLARED = {
    "resolved": MetricSettings(value="boolean"),
    "stars": MetricSettings(range=(1, 5)),
    "reason": MetricSettings(value="category", categories=("wrong", "unsafe")),
}


def _admitted(kind: Any, value: object, *, only: bool = False, source: Any = "end_user", **more: Any) -> FeedbackBody:
    body = FeedbackBody(kind=kind, value=value, trace_id="a" * 32, **more)
    return admit(body, Speaker("t", source), secret=_SECRET, declared=_DECLARED, declared_only=only)


@pytest.mark.parametrize(
    ("kind", "value", "metric"),
    [
        ("rating", False, "resolved"),
        ("outcome", None, "resolved"),
        ("score", 5.0, "stars"),
        ("outcome", 1.0, "stars"),
        ("outcome", "unsafe", "reason"),
        ("comment", "because", "stars"),
        ("score", 99.0, "free"),
    ],
)
def test_a_value_of_its_metric_is_let_in(kind: str, value: object, metric: str) -> None:
    """Null is no value and breaks nothing; a metric that is not declared is free."""
    assert _admitted(kind, value, metric=metric).value == value


@pytest.mark.parametrize(
    ("kind", "value", "metric", "words"),
    [
        ("score", 1.0, "resolved", "resolved takes a boolean, not a number"),
        ("rating", True, "stars", "stars takes a number, not a boolean"),
        ("score", 0.0, "stars", "must be from 1 to 5, not 0"),
        ("outcome", "unsave", "reason", "(did you mean unsafe?); allowed are wrong, unsafe"),
    ],
)
def test_another_value_is_refused_with_what_is_declared(kind: str, value: object, metric: str, words: str) -> None:
    """A score of 9 on a scale of 5 would move every mean."""
    with pytest.raises(RequestError) as caught:
        _admitted(kind, value, metric=metric)
    assert words in caught.value.message
    assert caught.value.param == "value"


def test_a_range_beside_a_declared_one_must_be_the_same() -> None:
    """Two scales under one name cannot be averaged."""
    assert _admitted("score", 2.0, metric="stars", range=(1.0, 5.0)).range == (1.0, 5.0)
    with pytest.raises(RequestError, match="is declared: from 1 to 5"):
        _admitted("score", 2.0, metric="stars", range=(0.0, 10.0))


def test_an_undeclared_metric_is_refused_where_the_settings_say_so() -> None:
    """A typing error would be a metric of its own."""
    with pytest.raises(RequestError, match="did you mean resolved") as caught:
        _admitted("rating", True, metric="resolve", only=True)
    assert (caught.value.code, caught.value.param) == ("unknown_metric", "metric")
    assert _admitted("rating", True, only=True).metric is None


def test_a_label_is_a_reviewers_or_a_judges() -> None:
    """Who labels is told by the credential."""
    for source in ("reviewer", "model_judge"):
        assert _admitted("label", True, source=source).value is True
    for source in ("end_user", "system"):
        with pytest.raises(RequestError) as caught:
            _admitted("label", True, source=source)
        assert (caught.value.status, caught.value.code) == (403, "label_not_allowed")


def test_a_rater_is_a_pseudonym_within_the_tenant() -> None:
    """The same person is the same within a tenant, nobody beyond it, and the name is nowhere."""
    kept = _admitted("rating", True, rater="ann@example.com").rater
    assert (
        kept == _admitted("rating", False, rater="ann@example.com").rater == pseudonym(_SECRET, "t", "ann@example.com")
    )
    assert kept not in {pseudonym(_SECRET, "u", "ann@example.com"), pseudonym(b"x" * 32, "t", "ann@example.com")}
    assert "ann" not in str(kept)
