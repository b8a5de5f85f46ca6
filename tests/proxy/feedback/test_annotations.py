"""Annotations in Phoenix's shape."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.errors import RequestError
from backtalk.feedback.annotations import Unit, annotations
from backtalk.feedback.evaluations import Evaluation

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
RESULT = {"label": "correct", "score": 1, "explanation": "It is."}


def one(unit: Unit = "span", **annotation: Any) -> Evaluation | RequestError:
    """What a single annotation says."""
    (found,) = annotations({"data": [annotation]}, unit, most=5)
    return found


@pytest.mark.parametrize(
    ("unit", "ids", "target"),
    [
        ("span", {"span_id": f"{TRACE}-{SPAN}"}, {"request_id": f"{TRACE}-{SPAN}"}),
        ("span", {"span_id": SPAN.upper(), "metadata": {"trace_id": TRACE}}, {"trace_id": TRACE, "span_id": SPAN}),
        ("trace", {"trace_id": TRACE}, {"trace_id": TRACE}),
    ],
)
def test_an_annotation_is_an_evaluation(unit: Unit, ids: dict[str, Any], target: dict[str, str]) -> None:
    """Whatever it annotates; the kind of annotator that it claims changes nothing."""
    found = one(unit, **ids, name="qa", annotator_kind="HUMAN", result=RESULT, identifier="")
    assert found == Evaluation("qa", target, 1.0, "correct", "It is.")


@pytest.mark.parametrize(
    ("annotation", "param"),
    [
        ({"span_id": SPAN, "name": "qa", "result": RESULT}, "span_id"),
        ({"span_id": f"{TRACE}-{SPAN}", "result": RESULT}, "name"),
        ({"span_id": f"{TRACE}-{SPAN}", "name": "qa", "result": {"score": True}}, "result.score"),
        ({"span_id": f"{TRACE}-{SPAN}", "name": "qa", "result": {"label": 4}}, "result.label"),
    ],
)
def test_what_is_missing_or_wrong_is_named(annotation: dict[str, Any], param: str) -> None:
    """A span's id alone names no call."""
    found = one(**annotation)
    assert isinstance(found, RequestError)
    assert found.param == param


def test_too_many_are_refused_whole() -> None:
    """A bound, with a sentence."""
    with pytest.raises(RequestError, match="at most 1"):
        annotations({"data": [{}, {}]}, "span", most=1)


@given(JSON)
def test_no_document_crashes_the_reader(value: Any) -> None:
    """Any JSON is read, refused by itself, or refused whole."""
    for unit in ("span", "trace"):
        for tried in (
            {"data": value},
            {"data": [value]},
            {"data": [{"name": "x", "span_id": value, "metadata": value}]},
        ):
            try:
                found = annotations(tried, unit, most=100)
            except RequestError:
                continue
            assert all(isinstance(each, Evaluation | RequestError) for each in found)
