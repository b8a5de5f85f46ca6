"""Langfuse's and Datadog's own clients send what our plugins send; the mark `backends`.

Every kind of feedback and a signal go through a plugin to a real server. A program in that environment reads what came
with its library's types, and lets the library send the same to the same server; then the two are compared.
"""

import datetime as dt
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

import pytest

from backtalk.model.facts import Fact
from backtalk.model.feedback import CallNamed, FeedbackKind
from backtalk.plugin import VerdictExporter
from backtalk.telemetry import Metrics
from backtalk.testing.annotation_door import AnnotationDoor, Sent, annotation_door
from backtalk.testing.facts import closed_call, feedback, signal
from backtalk_datadog import Datadog, DatadogSettings
from backtalk_langfuse import Langfuse, LangfuseSettings

PYTHON: Final = Path(__file__).parents[2] / ".venvs" / "backends" / "bin" / "python"
QUIET: Final = {
    "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
    "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    "DD_TRACE_OTEL_ENABLED": "true",
}
"""The tracer calls nobody else, and its spans are OpenTelemetry's, as ours are."""
LANGFUSE_SENDS: Final = """
import json, sys
from langfuse.api import CreateScoreRequest, LangfuseAPI
from langfuse.api.core.pydantic_utilities import parse_obj_as
scores = [parse_obj_as(CreateScoreRequest, body) for body in json.load(sys.stdin)]
assert not any(score.model_extra for score in scores), [score.model_extra for score in scores]
client = LangfuseAPI(base_url=sys.argv[1], username="pk-lf-1", password="sk-lf-1")
client.scores.create(request=scores)
client.scores.delete(scores[0].id)
"""
DATADOG_SENDS: Final = """
import json, sys, typing
from ddtrace.llmobs import LLMObs
from ddtrace.llmobs._eval_metric import LLMObsEvaluationMetricEvent
from pydantic import TypeAdapter
metrics = json.load(sys.stdin)
types = typing.get_type_hints(LLMObsEvaluationMetricEvent)
for metric in metrics:
    for name, value in metric.items():
        TypeAdapter(types[name]).validate_python(value, strict=True)
LLMObs.enable(agent_service="shop", api_key="dd-1", agentless_enabled=True, integrations_enabled=False)
for metric in metrics:
    LLMObs.submit_evaluation(
        label=metric["label"],
        metric_type=metric["metric_type"],
        value=metric[metric["metric_type"] + "_value"],
        span=metric["join_on"]["span"],
        tags=dict(tag.split(":", 1) for tag in metric["tags"]),
        timestamp_ms=metric["timestamp_ms"],
        metadata=metric["metadata"],
        reasoning=metric.get("reasoning"),
    )
LLMObs.flush()
LLMObs.disable()
"""

pytestmark = [pytest.mark.backends, pytest.mark.timeout(300)]


class Host(NamedTuple):
    """What a host tells: texts go out, so that every field is there."""

    metrics: Metrics
    texts: bool = True


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys, and what holds the libraries."""
    if not PYTHON.exists():
        pytest.skip("there is no environment for it: run `make test-backends`")
    for name, value in (("LANGFUSE_PUBLIC_KEY", "pk-lf-1"), ("LANGFUSE_SECRET_KEY", "sk-lf-1"), ("DD_API_KEY", "dd-1")):
        monkeypatch.setenv(name, value)


def test_langfuses_client_sends_the_same_scores() -> None:
    """The same path, key and fields: it sends several in a list, we each alone, as it did before version 5."""
    with annotation_door() as door:
        ours = _exported(Langfuse(LangfuseSettings(url=door.url, environment="staging")), door)
        puts = [sent for sent in ours if sent.method == "POST"]
        _run(LANGFUSE_SENDS, [sent.body for sent in puts], door, {})
    created, deleted = door.sent[len(ours) :]
    assert {(sent.path, sent.headers["authorization"]) for sent in puts} == {
        (created.path, created.headers["authorization"])
    }
    assert [_comparable(sent.body) for sent in puts] == [_comparable(body) for body in created.body]
    assert (deleted.method, deleted.path) == ("DELETE", f"/api/public/scores/{puts[0].body['id']}")
    assert [sent.path.rpartition("/")[0] for sent in ours if sent.method == "DELETE"] == ["/api/public/scores"]
    assert {"traceId", "sessionId", "observationId", "comment"} <= {name for sent in puts for name in sent.body}
    assert {sent.body["dataType"] for sent in puts} == {"BOOLEAN", "NUMERIC", "CATEGORICAL"}


def test_datadogs_tracer_sends_the_same_evaluations() -> None:
    """The same path, key, envelope and fields; it adds its version, the application's name and two defaults."""
    with annotation_door() as door:
        ours = _exported(Datadog(DatadogSettings(ml_app="shop", url=door.url)), door)
        _run(DATADOG_SENDS, [_metrics(sent)[0] for sent in ours], door, {"DD_LLMOBS_OVERRIDE_ORIGIN": door.url})
    theirs = door.sent[len(ours) :]
    assert {_way(sent) for sent in ours} == {_way(sent) for sent in theirs}
    sent = [_metrics(one)[0] for one in ours]
    again = [metric for one in theirs for metric in _metrics(one)]
    assert len(sent) == len(again)
    for mine, its in zip(sent, again, strict=True):
        added = {tag.partition(":")[0] for tag in set(its["tags"]) - set(mine["tags"])}
        assert added == {"ddtrace.version", "ml_app"}
        assert set(mine["tags"]) <= set(its["tags"])
        assert its == mine | {"tags": its["tags"], "event_kind": "evaluation", "eval_scope": "span"}
    assert {metric["metric_type"] for metric in sent} == {"boolean", "score", "categorical"}


def _facts() -> list[Fact]:
    """Two calls, a signal, and feedback of every kind about them, the last of which takes another back."""
    call, other = closed_call(), closed_call()
    about = {"target_trace_id": call.opened.trace_id, "target_span_id": call.opened.span_id}
    values: dict[FeedbackKind, dict[str, Any]] = {
        "rating": {"value_json": "false", "comment": "Wrong."},
        "score": {"value_json": "4", "range": (1.0, 5.0), "metric": "1st.look-up"},
        "comment": {"value_json": '"It is Canberra."'},
        "correction": {"value_json": '"Canberra."', "choice": 0},
        "survey": {"value_json": '{"state": "answered", "answers": {"clear": true, "why": "It is."}}'},
        "outcome": {"value_json": '"reopened"', "metric": "ticket", "source": "system"},
        "event": {"value_json": '"edited"', "distance": 0.25, "duration_s": 3.5},
        "label": {"value_json": "true", "rubric": "grounded", "source": "reviewer"},
    }
    said: list[Fact] = [feedback(kind=kind, feedback_id=kind, **about, **fields) for kind, fields in values.items()]
    ranked = tuple(
        CallNamed(one.opened.trace_id, one.opened.span_id, rank=rank) for rank, one in enumerate((call, other))
    )
    said.append(feedback(kind="ranking", feedback_id="ranking", value_json="null", calls=ranked))
    said.append(feedback(feedback_id="of-a-trace", target_trace_id=call.opened.trace_id, rater="u2"))
    said.append(feedback(feedback_id="of-a-session", target_session_id="chat-7"))
    said.append(feedback(kind="retraction", supersedes="comment", value_json="null"))
    assert {*values, "ranking", "retraction"} == set(get_args(FeedbackKind))
    return [call, other, signal(call.key, evidence={"similarity": 0.97}), *said]


def _exported(exporter: VerdictExporter, door: AnnotationDoor) -> list[Sent]:
    """What a plugin sends for all of it, where nothing is refused but by its own rules."""
    exporter.attach(Host(Metrics("test")))
    exporter.export(_facts())
    assert len(door.sent) > len(get_args(FeedbackKind))
    return list(door.sent)


def _run(program: str, bodies: list[Any], door: AnnotationDoor, environ: Mapping[str, str]) -> None:
    command = [str(PYTHON), "-c", program, door.url]
    done = subprocess.run(
        command,
        input=json.dumps(bodies),
        env={**QUIET, **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _comparable(score: dict[str, Any]) -> dict[str, Any]:
    """With its time as one value, since there are several ways to write it."""
    return score | {"timestamp": dt.datetime.fromisoformat(score["timestamp"])}


def _metrics(sent: Sent) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sent.body["data"]["attributes"]["metrics"]
    return found


def _way(sent: Sent) -> tuple[str, str, str, str, str]:
    """All but the metrics."""
    return (
        sent.method,
        sent.path,
        sent.headers["dd-api-key"],
        sent.headers["content-type"],
        sent.body["data"]["type"],
    )
