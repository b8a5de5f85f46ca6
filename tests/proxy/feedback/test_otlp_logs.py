"""OpenTelemetry's evaluation results, from documents as exporters send them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.errors import RequestError
from backtalk.feedback.evaluations import Evaluation
from backtalk.feedback.otlp_logs import EVENT, evaluations

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
NOTHING: dict[str, Any] = {}
TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"


def document(*records: Any) -> dict[str, Any]:
    """Log records of one scope."""
    return {"resourceLogs": [{"resource": {}, "scopeLogs": [{"scope": {"name": "x"}, "logRecords": [*records]}]}]}


def record(**changes: Any) -> dict[str, Any]:
    """An evaluation result; a change of None leaves the field out."""
    attributes = [
        {"key": "gen_ai.evaluation.name", "value": {"stringValue": "Relevance"}},
        {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": 0.75}},
        {"key": "gen_ai.evaluation.score.label", "value": {"stringValue": "relevant"}},
        {"key": "gen_ai.evaluation.explanation", "value": {"stringValue": "It answers."}},
    ]
    whole = {
        "timeUnixNano": "1544712660300000000",
        "traceId": TRACE.upper(),
        "spanId": SPAN,
        "eventName": EVENT,
        "attributes": attributes,
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


def test_an_evaluation_is_read_whole() -> None:
    """Name, score, label, explanation, call and time; ids in either case, as OTLP/JSON allows."""
    (found,) = evaluations(document(record()), most=10)
    target = {"trace_id": TRACE, "span_id": SPAN}
    assert found == Evaluation("Relevance", target, 0.75, "relevant", "It answers.", 1544712660.3)


def test_a_response_id_names_the_call_where_there_is_no_span() -> None:
    """As the conventions ask for."""
    named = [
        *record()["attributes"],
        {"key": "gen_ai.response.id", "value": {"stringValue": "chatcmpl-1"}},
    ]
    (found,) = evaluations(document(record(traceId=None, spanId=None, attributes=named)), most=10)
    assert isinstance(found, Evaluation)
    assert found.target == {"response_id": "chatcmpl-1"}


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"eventName": "gen_ai.client.inference.operation.details"}, "eventName"),
        ({"eventName": None}, "eventName"),
        ({"attributes": []}, "gen_ai.evaluation.name"),
        ({"traceId": ""}, "traceId"),
    ],
)
def test_another_record_is_refused_by_itself(changes: dict[str, Any], param: str) -> None:
    """The records around it are read."""
    first, bad, last = evaluations(document(record(), record(**changes), record()), most=10)
    assert isinstance(first, Evaluation)
    assert isinstance(last, Evaluation)
    assert isinstance(bad, RequestError)
    assert bad.param == param


@pytest.mark.parametrize("value", [{"doubleValue": "NaN"}, {"doubleValue": "Infinity"}, {"doubleValue": "x"}])
def test_a_score_that_is_no_number_is_refused(value: dict[str, str]) -> None:
    """OTLP/JSON writes NaN as a text."""
    score = [record()["attributes"][0], {"key": "gen_ai.evaluation.score.value", "value": value}]
    (bad,) = evaluations(document(record(attributes=score)), most=10)
    assert isinstance(bad, RequestError)
    assert "finite" in bad.message


def test_too_many_records_are_refused_whole() -> None:
    """A bound, with a sentence."""
    with pytest.raises(RequestError, match="at most 1"):
        evaluations(document(record(), record()), most=1)


@given(st.dictionaries(st.sampled_from(["resourceLogs", "x"]), JSON) | st.just(NOTHING), JSON)
def test_no_document_crashes_the_reader(whole: dict[str, Any], inner: Any) -> None:
    """Any JSON in any place is read, refused by itself, or refused whole."""
    for tried in (whole, document(inner), document(record(attributes=inner)), document(record(traceId=inner))):
        try:
            found = evaluations(tried, most=100)
        except RequestError:
            continue
        assert all(isinstance(one, Evaluation | RequestError) for one in found)
