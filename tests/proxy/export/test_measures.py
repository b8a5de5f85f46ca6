"""Facts as figures."""

from typing import Any

import msgspec
import pytest

from backtalk.export.measures import Measures
from backtalk.model.chat import Request
from backtalk.model.facts import CallRelated, Fact, SessionLinked
from backtalk.model.ids import CallKey, new_span_id, new_trace_id
from backtalk.settings import TelemetrySettings
from backtalk.telemetry import Metrics, Snapshot
from backtalk.testing.facts import START_NS, closed_call, feedback, opened_call, signal

TOKENS = "gen_ai.client.token.usage"


def _measured(*facts: Fact) -> Snapshot:
    metrics = Metrics()
    Measures(metrics, TelemetrySettings(), traces=2).record(facts)
    return metrics.snapshot()


def test_call_is_measured_by_the_conventions() -> None:
    """Duration and tokens, with operation, provider, models and the upstream's address."""
    snapshot = _measured(closed_call())
    assert snapshot.value("backtalk.calls", outcome="completed") == 1
    (duration,) = snapshot.points["gen_ai.client.operation.duration"]
    assert duration.value == 0.5
    assert dict(duration.labels) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m1",
        "gen_ai.response.model": "m1-2026",
        "server.address": "127.0.0.1",
        "server.port": 9999,
    }
    tokens = {dict(point.labels)["gen_ai.token.type"]: point.value for point in snapshot.points[TOKENS]}
    assert tokens == {"input": 7, "output": 3}
    assert snapshot.value("http.server.request.duration", http_route="/v1/chat/completions") == 0.5


def test_streamed_call_is_measured_by_the_chunk() -> None:
    """First chunk after 0.1 s, then four more in 0.4 s."""
    snapshot = _measured(closed_call(opened=opened_call(request=Request(stream=True)), chunks=5))
    assert snapshot.value("gen_ai.client.operation.time_to_first_chunk") == 0.1
    assert snapshot.value("gen_ai.client.operation.time_per_output_chunk") == pytest.approx(0.1)
    assert "gen_ai.client.operation.time_to_first_chunk" not in _measured(closed_call()).points


@pytest.mark.parametrize(
    "changes", [{"outcome": "rejected", "status": 413}, {"opened": opened_call(api="models", path="/v1/models")}]
)
def test_what_never_reached_a_model_is_no_model_call(changes: dict[str, Any]) -> None:
    """It is still a request at the proxy."""
    snapshot = _measured(closed_call(**changes))
    assert "gen_ai.client.operation.duration" not in snapshot.points
    assert snapshot.value("http.server.request.duration") == 0.5


def test_errors_and_cut_copies_are_labelled() -> None:
    """What went wrong is a label of the duration."""
    snapshot = _measured(closed_call(status=500, request_capture="truncated"))
    assert snapshot.value("gen_ai.client.operation.duration", error_type="500") == 0.5
    assert snapshot.value("backtalk.capture.truncated", side="request") == 1


def test_facts_of_other_kinds_are_counted() -> None:
    """Signals, feedback, relations and links, each by its kind."""
    key = CallKey(new_trace_id(), new_span_id())
    related = CallRelated("duplicate", key, key, "t1", START_NS)
    linked = SessionLinked(key.trace_id, key.span_id, "s1", "next_turn", 1.0, START_NS)
    snapshot = _measured(signal(key), feedback(), related, linked, opened_call())
    assert snapshot.value("backtalk.signals", kind="regeneration") == 1
    assert snapshot.value("backtalk.feedback", kind="rating") == 1
    assert snapshot.value("backtalk.relations", kind="duplicate") == 1
    assert snapshot.value("backtalk.session.links", rule="next_turn") == 1


def test_what_a_replay_found_is_no_news() -> None:
    """A month of signals in one minute would set off every alarm."""
    key = CallKey(new_trace_id(), new_span_id())
    snapshot = _measured(msgspec.structs.replace(signal(key), replay=1))
    assert snapshot.value("backtalk.signals", kind="regeneration") == 0


def test_signal_and_feedback_are_counted_by_the_model_of_their_answer() -> None:
    """The judged call's model, where its trace went to one; nothing where it is unknown, mixed or forgotten."""
    call, other = closed_call(), closed_call(opened=opened_call(request=Request(model="m2")))
    mixed = closed_call(opened=opened_call(trace_id=other.opened.trace_id))
    said = feedback(target_trace_id=call.opened.trace_id)
    snapshot = _measured(call, signal(call.key), said, other, signal(other.key), mixed, signal(other.key))
    assert snapshot.value("backtalk.signals", model="m1") == 1
    assert snapshot.value("backtalk.signals", model="m2") == 1
    assert snapshot.value("backtalk.signals") == 3
    assert snapshot.value("backtalk.feedback", kind="rating", model="m1") == 1
    later = [closed_call() for _ in range(2)]
    assert _measured(call, *later, signal(call.key)).value("backtalk.signals", model="m1") == 0
