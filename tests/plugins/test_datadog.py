"""Datadog's evaluations API, literally; its own tracer is asked by `tests/flows/test_backend_clients.py`."""

from typing import Any

import pytest

from backtalk.errors import SetupError
from backtalk.model.ids import CallKey, SpanId, TraceId
from backtalk.plugin.discovery import EXPORTERS, check, load_exporters
from backtalk.testing.annotation_door import AnnotationDoor, annotation_door
from backtalk.testing.facts import feedback, signal
from backtalk_datadog import Datadog, DatadogSettings

ABOUT = CallKey(TraceId("0af7651916cd43dd8448eb211c80319c"), SpanId("b7ad6b7169203331"))
FIELDS = {"join_on", "metric_type", "label", "categorical_value", "score_value", "boolean_value"} | {
    "ml_app",
    "timestamp_ms",
    "tags",
    "reasoning",
    "metadata",
}
"""Fields of an evaluation metric in ddtrace 4.16.0 that we may use."""


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in the environment."""
    monkeypatch.setenv("DD_API_KEY", "dd-1")


def datadog(door: AnnotationDoor) -> Datadog:
    """An exporter that sends here."""
    return Datadog(DatadogSettings(ml_app="shop", url=door.url))


def about(**changes: Any) -> Any:
    """Feedback about the call."""
    return feedback(target_trace_id=ABOUT.trace_id, target_span_id=ABOUT.span_id, **changes)


def test_it_is_an_exporter_and_takes_its_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """It wants the application's name, and says which variable is missing."""
    check(EXPORTERS, "datadog", Datadog)
    with pytest.raises(SetupError, match=r"\[plugin.datadog\] ml_app"):
        load_exporters(("datadog",), {})
    monkeypatch.delenv("DD_API_KEY")
    with pytest.raises(SetupError, match="DD_API_KEY"):
        load_exporters(("datadog",), {"datadog": {"ml_app": "shop"}})


def test_a_verdict_is_an_evaluation_of_the_span() -> None:
    """Ids are decimal, and the tag says that the span came by OpenTelemetry."""
    with annotation_door() as door:
        datadog(door).export([signal(ABOUT, signal_id="s1")])
    (sent,) = door.sent
    assert (sent.method, sent.path) == ("POST", "/api/intake/llm-obs/v2/eval-metric")
    assert sent.headers["dd-api-key"] == "dd-1"
    assert sent.body["data"]["type"] == "evaluation_metric"
    (metric,) = sent.body["data"]["attributes"]["metrics"]
    assert set(metric) <= FIELDS
    assert metric.pop("metadata")["backtalk.detector"] == "regeneration 1.0"
    assert metric == {
        "join_on": {"span": {"span_id": "13235353014750950193", "trace_id": "14576827793038113322513871894673895836"}},
        "ml_app": "shop",
        "timestamp_ms": 1_700_000_010_000,
        "label": "regeneration",
        "metric_type": "score",
        "score_value": 0.9,
        "tags": ["source:otel", "backtalk_key:signal-s1", "backtalk_kind:regeneration", "backtalk_source:code"],
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"value_json": "false"}, {"metric_type": "boolean", "boolean_value": False}),
        ({"kind": "score", "value_json": "4"}, {"metric_type": "score", "score_value": 4.0}),
        ({"kind": "event", "value_json": '"copied"'}, {"metric_type": "categorical", "categorical_value": "copied"}),
        ({"metric": "1st.look-up"}, {"label": "x_1st_look_up"}),
    ],
)
def test_each_value_has_datadogs_type_and_each_label_its_form(
    changes: dict[str, Any], expected: dict[str, object]
) -> None:
    """Labels begin with a letter and have letters, digits and underscores."""
    with annotation_door() as door:
        datadog(door).export([about(**changes)])
    (metric,) = door.sent[0].body["data"]["attributes"]["metrics"]
    assert metric | expected == metric


def test_sessions_and_retractions_are_dropped() -> None:
    """The API evaluates spans, and takes nothing back."""
    facts = [
        feedback(target_session_id="chat-7"),
        about(feedback_id="a"),
        feedback(kind="retraction", supersedes="a", value_json="null"),
    ]
    with annotation_door() as door:
        datadog(door).export(facts)
    assert len(door.sent) == 1
