"""MLflow's REST API, literally; a real MLflow takes the same in `tests/flows/test_mlflow.py`."""

from typing import Any

import pytest

from backtalk.errors import SetupError
from backtalk.model.facts import Fact
from backtalk.plugin import NotThereError
from backtalk.plugin.discovery import EXPORTERS, check, load_exporters
from backtalk.testing.annotation_door import Reply, Sent, annotation_door
from backtalk.testing.facts import START_NS, closed_call, feedback, signal
from backtalk_mlflow import KEY, Mlflow, MlflowSettings


class Traces:
    """The assessments that the door holds, as MLflow would."""

    def __init__(self) -> None:
        self.held: list[dict[str, Any]] = []
        self.known = True

    def answer(self, sent: Sent) -> Reply | None:
        """Create, update, delete, list."""
        if not self.known:
            return 404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}
        name = sent.path.rpartition("/")[2]
        if sent.method == "GET":
            return 200, {"trace": {"trace_info": {"assessments": self.held}}}
        if sent.method == "POST":
            self.held.append(sent.body["assessment"] | {"assessment_id": f"a-{len(self.held)}"})
        else:
            self.held = [one for one in self.held if one["assessment_id"] != name]
            if sent.method == "PATCH":
                self.held.append(sent.body["assessment"] | {"assessment_id": name})
        return 200, {}


def test_it_is_an_exporter_and_off_until_it_is_named() -> None:
    """Named without an address it is refused."""
    check(EXPORTERS, "mlflow", Mlflow)
    with pytest.raises(SetupError, match=r"\[plugin.mlflow\] url"):
        load_exporters(("mlflow",), {})


def test_a_verdict_is_an_assessment_of_the_span() -> None:
    """The trace has MLflow's name, the source is a person, the value is the thumb."""
    call, traces = closed_call(), Traces()
    thumb = feedback(feedback_id="a", target_trace_id=call.opened.trace_id, value_json="false")
    with annotation_door() as door:
        door.answer = traces.answer
        Mlflow(MlflowSettings(url=door.url)).export([call, thumb])
    path = f"/api/3.0/mlflow/traces/tr-{call.opened.trace_id}"
    assert door.lines() == [f"GET {path}", f"POST {path}/assessments"]
    assert door.sent[1].body["assessment"] == {
        "assessment_name": "user_feedback",
        "span_id": call.opened.span_id,
        "source": {"source_type": "HUMAN", "source_id": "end_user"},
        "create_time": "2023-11-14T22:14:20+00:00",
        "last_update_time": "2023-11-14T22:14:20+00:00",
        "feedback": {"value": False},
        "metadata": {
            KEY: "feedback-a",
            "backtalk.kind": "rating",
            "backtalk.tenant": "t1",
            "backtalk.score": "0.0",
            "backtalk.feedback.source": "end_user",
            "backtalk.target.model": "m1",
        },
    }
    assert START_NS // 10**9 + 60 == 1_700_000_060


def test_a_repeat_updates_and_a_retraction_deletes() -> None:
    """MLflow mints the ids: an assessment is found again by its key."""
    call, traces = closed_call(), Traces()
    thumb = feedback(target_trace_id=call.opened.trace_id)
    facts: list[Fact] = [call, signal(call.key, signal_id="s", kind="cost.high"), thumb]
    with annotation_door() as door:
        door.answer = traces.answer
        exporter = Mlflow(MlflowSettings(url=door.url))
        exporter.export(list(facts))
        exporter.export(list(facts))
        assert sorted(one["assessment_name"] for one in traces.held) == ["cost_high", "user_feedback"]
        assert {sent.body["update_mask"] for sent in door.sent if sent.method == "PATCH"} == {
            "assessment_name,feedback,rationale,metadata"
        }
        exporter.export([feedback(kind="retraction", supersedes=thumb.feedback_id, value_json="null")])
    assert [one["assessment_name"] for one in traces.held] == ["cost_high"]


def test_a_trace_that_is_not_there_yet_is_waited_for() -> None:
    """Spans have a way of their own."""
    traces, known = Traces(), closed_call()
    traces.known = False
    facts = [signal(known.key, found_ns=1 << 62)]
    with annotation_door() as door:
        door.answer = traces.answer
        exporter = Mlflow(MlflowSettings(url=door.url))
        with pytest.raises(NotThereError):
            exporter.export(facts)
        traces.known = True
        exporter.export(facts)
    assert len(traces.held) == 1


def test_sessions_have_no_assessments() -> None:
    """What is said of one is dropped, and nothing is asked."""
    with annotation_door() as door:
        Mlflow(MlflowSettings(url=door.url)).export([feedback(target_session_id="chat-7")])
    assert door.sent == []
