"""Arize Phoenix's REST API, literally; a real Phoenix takes the same in `tests/flows/test_phoenix_annotations.py`."""

from typing import Any

import pytest

from backtalk.errors import SetupError
from backtalk.plugin.discovery import EXPORTERS, check, load_exporters
from backtalk.testing.annotation_door import annotation_door
from backtalk.testing.facts import closed_call, feedback, signal
from backtalk_phoenix import Phoenix, PhoenixSettings


def test_it_is_an_exporter_and_off_until_it_is_named() -> None:
    """Named without an address it is refused, and so is a key that the environment does not have."""
    check(EXPORTERS, "phoenix", Phoenix)
    with pytest.raises(SetupError, match=r"\[plugin.phoenix\] url"):
        load_exporters(("phoenix",), {})
    with pytest.raises(SetupError, match="NO_SUCH_KEY"):
        load_exporters(("phoenix",), {"phoenix": {"url": "http://127.0.0.1", "api_key_env": "NO_SUCH_KEY"}})


def test_a_verdict_is_an_annotation_of_the_span() -> None:
    """The identifier is the verdict's key, by which Phoenix updates."""
    call = closed_call()
    with annotation_door() as door:
        Phoenix(PhoenixSettings(url=door.url)).export([signal(call.key, signal_id="s1", evidence={"rule": "same"})])
    (sent,) = door.sent
    assert (sent.method, sent.path) == ("POST", "/v1/span_annotations?sync=true")
    (data,) = sent.body["data"]
    assert data.pop("metadata") | {"backtalk.signal.shown_by.trace_id": "", "backtalk.signal.shown_by.span_id": ""} == {
        "backtalk.kind": "regeneration",
        "backtalk.tenant": "t1",
        "backtalk.detector": "regeneration 1.0",
        "backtalk.signal.polarity": "negative",
        "backtalk.signal.provenance": "structural",
        "backtalk.signal.evidence": '{"rule":"same"}',
        "backtalk.signal.shown_by.trace_id": "",
        "backtalk.signal.shown_by.span_id": "",
    }
    assert data == {
        "span_id": call.opened.span_id,
        "name": "regeneration",
        "annotator_kind": "CODE",
        "identifier": "signal-s1",
        "result": {"label": "regeneration", "score": 0.9},
    }


@pytest.mark.parametrize(
    ("target", "path", "data"),
    [
        ({"target_trace_id": "a" * 32}, "trace_annotations", {"trace_id": "a" * 32}),
        ({"target_session_id": "chat-7"}, "session_annotations", {"session_id": "chat-7"}),
    ],
)
def test_traces_and_sessions_have_annotations_of_their_own(
    target: dict[str, Any], path: str, data: dict[str, str]
) -> None:
    """Where no one call is meant."""
    with annotation_door() as door:
        Phoenix(PhoenixSettings(url=door.url)).export([feedback(metric="note", **target)])
    (sent,) = door.sent
    assert sent.path == f"/v1/{path}?sync=true"
    (found,) = sent.body["data"]
    assert found | data == found
    assert found["name"] == "user_note", "Phoenix keeps the name `note` for itself"


def test_what_is_taken_back_is_deleted_by_its_identifier() -> None:
    """In the project of the settings."""
    call = closed_call()
    facts = [
        feedback(feedback_id="a", target_trace_id=call.opened.trace_id),
        feedback(kind="retraction", supersedes="a", value_json="null"),
    ]
    with annotation_door() as door:
        Phoenix(PhoenixSettings(url=door.url, project="my app")).export([call, *facts])
    assert door.lines()[1] == ("DELETE /v1/projects/my%20app/span_annotations?identifier=feedback-a&delete_all=true")
