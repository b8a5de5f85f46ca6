"""Langfuse's scores API, literally; its own client is asked by `tests/flows/test_backend_clients.py`."""

import base64
from typing import Any

import pytest

from backtalk.errors import SetupError
from backtalk.plugin.discovery import EXPORTERS, check, load_exporters
from backtalk.testing.annotation_door import AnnotationDoor, annotation_door
from backtalk.testing.facts import closed_call, feedback, signal
from backtalk_langfuse import Langfuse, LangfuseSettings

FIELDS = {"id", "traceId", "sessionId", "observationId", "name", "value", "comment", "metadata"} | {
    "environment",
    "dataType",
    "timestamp",
}
"""Fields of CreateScoreRequest in langfuse 5.0.4 that we may use."""


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of a project."""
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk-lf-1")
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk-lf-1")


def langfuse(door: AnnotationDoor, **settings: Any) -> Langfuse:
    """An exporter that sends here."""
    return Langfuse(LangfuseSettings(url=door.url, **settings))


def test_it_is_an_exporter_and_takes_its_keys_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key it says which variable is missing."""
    check(EXPORTERS, "langfuse", Langfuse)
    monkeypatch.delenv("LANGFUSE_SECRET_KEY")
    with pytest.raises(SetupError, match="LANGFUSE_SECRET_KEY"):
        load_exporters(("langfuse",), {})


@pytest.mark.parametrize("environment", ["langfuse-mine", "Staging"])
def test_environments_that_langfuse_would_refuse_are_refused_at_the_start(environment: str) -> None:
    """They are lower-case, and those that begin with its name are its own."""
    with pytest.raises(SetupError, match="environment"):
        load_exporters(("langfuse",), {"langfuse": {"environment": environment}})


def test_a_verdict_is_a_score_of_the_observation() -> None:
    """Its id and time are the fact's, so that a repeat is an update."""
    call = closed_call()
    with annotation_door() as door:
        langfuse(door, environment="staging").export([signal(call.key, signal_id="s1")])
    (sent,) = door.sent
    assert (sent.method, sent.path) == ("POST", "/api/public/scores")
    assert sent.headers["authorization"] == f"Basic {base64.b64encode(b'pk-lf-1:sk-lf-1').decode()}"
    body = sent.body
    assert set(body) <= FIELDS
    assert body.pop("metadata")["backtalk.source"] == "CODE"
    assert body == {
        "id": "signal-s1",
        "traceId": call.opened.trace_id,
        "observationId": call.opened.span_id,
        "name": "regeneration",
        "dataType": "NUMERIC",
        "value": 0.9,
        "timestamp": "2023-11-14T22:13:30.000+00:00",
        "environment": "staging",
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"value_json": "false"}, ("BOOLEAN", 0)),
        ({"kind": "score", "value_json": "4.5"}, ("NUMERIC", 4.5)),
        ({"kind": "outcome", "value_json": '"reopened"'}, ("CATEGORICAL", "reopened")),
        ({"kind": "comment", "value_json": '"secret"'}, ("CATEGORICAL", "comment")),
    ],
)
def test_each_value_has_langfuses_type(changes: dict[str, Any], expected: tuple[str, object]) -> None:
    """Booleans are 0 or 1, categories are text; what was written stays here."""
    with annotation_door() as door:
        langfuse(door).export([feedback(target_session_id="chat-7", **changes)])
    (sent,) = door.sent
    assert (sent.body["dataType"], sent.body["value"]) == expected
    assert sent.body["sessionId"] == "chat-7"
    assert "secret" not in str(sent.body)


def test_what_is_taken_back_is_deleted_by_its_id() -> None:
    """Langfuse deletes by the id that we chose."""
    trace_id = closed_call().opened.trace_id
    facts = [
        feedback(feedback_id="a", target_trace_id=trace_id),
        feedback(kind="retraction", supersedes="a", value_json="null"),
    ]
    with annotation_door() as door:
        langfuse(door).export(facts)
    assert door.lines() == ["POST /api/public/scores", "DELETE /api/public/scores/feedback-a"]
    assert door.sent[0].body["traceId"] == trace_id
