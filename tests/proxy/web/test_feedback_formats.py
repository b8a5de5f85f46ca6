"""OTLP logs and Phoenix annotations at the door: what is kept, and what their clients are told."""

import gzip
import json
from typing import Any

import msgspec
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from backtalk.model import frames
from backtalk.settings import FeedbackSettings
from backtalk.testing.doors import CALL, Kept, ask, feedback_door
from backtalk.web.feedback_formats import OTLP, PHOENIX

JSON, PROTOBUF = "application/json", "application/x-protobuf"
SPANS, TRACES = PHOENIX


def said(kept: Kept) -> list[dict[str, Any]]:
    """What was kept, without the ids."""
    read = [frames.decode(payload) for payload in kept.payloads]
    return [msgspec.json.decode(frame.body) for frame in read if isinstance(frame, frames.Feedback)]


def record(name: str = "Relevance", **score: Any) -> dict[str, Any]:
    """A log record in OTLP/JSON."""
    attributes = [{"key": "gen_ai.evaluation.name", "value": {"stringValue": name}}]
    attributes += [{"key": f"gen_ai.evaluation.score.{key}", "value": value} for key, value in score.items()]
    ids = {"traceId": CALL.trace_id, "spanId": CALL.span_id, "timeUnixNano": "1544712660300000000"}
    return {"eventName": "gen_ai.evaluation.result", "attributes": attributes, **ids}


def document(*records: dict[str, Any]) -> bytes:
    """An export of these records."""
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()


@pytest.mark.anyio
async def test_an_evaluation_over_otlp_json_is_kept() -> None:
    """The answer of full success is an empty object, as the protocol has it."""
    kept = Kept()
    told = await ask(feedback_door(kept), document(record(value={"doubleValue": 0.5})), path=OTLP, content_type=JSON)
    assert (told.status, told.json) == (200, {})
    (one,) = said(kept)
    assert (one["kind"], one["value"], one["metric"]) == ("score", 0.5, "Relevance")
    assert (one["trace_id"], one["span_id"]) == CALL


@pytest.mark.anyio
@pytest.mark.parametrize("zipped", [False, True])
async def test_an_evaluation_over_otlp_protobuf_is_kept(zipped: bool) -> None:
    """As the exporters of the SDKs send it, with or without gzip."""
    request = ExportLogsServiceRequest()
    one = request.resource_logs.add().scope_logs.add().log_records.add()
    one.event_name, one.trace_id, one.span_id = (
        "gen_ai.evaluation.result",
        bytes.fromhex(CALL.trace_id),
        bytes.fromhex(CALL.span_id),
    )
    one.attributes.add(key="gen_ai.evaluation.name").value.string_value = "tone"
    one.attributes.add(key="gen_ai.evaluation.score.label").value.string_value = "rude"
    raw = request.SerializeToString()
    kept = Kept()
    coding = {"content_encoding": "gzip"} if zipped else {}
    door = feedback_door(kept, source="model_judge")
    told = await ask(door, gzip.compress(raw) if zipped else raw, path=OTLP, content_type=PROTOBUF, **coding)
    assert (told.status, told.headers["content-type"], told.body) == (200, PROTOBUF, b"")
    assert [(one["kind"], one["value"]) for one in said(kept)] == [("label", "rude")]


@pytest.mark.anyio
async def test_what_is_no_evaluation_is_rejected_and_counted() -> None:
    """Partial success: the others are kept, the reason is told."""
    kept = Kept()
    other = {**record(), "eventName": "exception"}
    body = document(record(value={"intValue": "1"}), other, record(value={"doubleValue": "NaN"}))
    told = await ask(feedback_door(kept), body, path=OTLP, content_type=JSON)
    partial = told.json["partialSuccess"]
    assert (told.status, partial["rejectedLogRecords"]) == (200, "2")
    assert "gen_ai.evaluation.result" in partial["errorMessage"]
    assert len(said(kept)) == 1


@pytest.mark.anyio
async def test_a_repeat_of_an_export_is_the_same_feedback() -> None:
    """Exporters send again what they got no answer to; without Redis the ids are the same all the same."""
    kept = Kept()
    door = feedback_door(kept)
    for _ in range(2):
        await ask(door, document(record(value={"doubleValue": 0.5})), path=OTLP, content_type=JSON)
    ids = {frame.feedback_id for p in kept.payloads if isinstance(frame := frames.decode(p), frames.Feedback)}
    assert (len(kept.payloads), len(ids)) == (2, 1)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "kind", "coding", "status"),
    [
        (b"{", JSON, "identity", 400),
        (b"\xff\xff", PROTOBUF, "identity", 400),
        (b"{}", "text/plain", "identity", 415),
        (b"{}", JSON, "br", 415),
        (b"no gzip", JSON, "gzip", 400),
        (gzip.compress(b" " * 5000), JSON, "gzip", 413),
        (gzip.compress(b"{}")[:-4], JSON, "gzip", 400),
    ],
    ids=["json", "protobuf", "type", "coding", "no-gzip", "large", "cut"],
)
async def test_what_cannot_be_read_is_refused_whole(body: bytes, kind: str, coding: str, status: int) -> None:
    """Malformed, of another type, or larger than it seems."""
    kept = Kept()
    door = feedback_door(kept, settings=FeedbackSettings(body_limit_bytes=2000))
    told = await ask(door, body, path=OTLP, content_type=kind, content_encoding=coding)
    assert told.status == status
    assert told.body
    assert kept.payloads == []


@pytest.mark.anyio
async def test_protobuf_failures_are_a_status_message() -> None:
    """OTLP/HTTP asks for `google.rpc.Status` in the request's own encoding."""
    told = await ask(feedback_door(Kept()), b"\xff\xff", path=OTLP, content_type=PROTOBUF)
    assert told.headers["content-type"] == PROTOBUF
    assert told.body.startswith(b"\x12")
    assert ExportLogsServiceResponse.FromString(b"") == ExportLogsServiceResponse()


@pytest.mark.anyio
async def test_annotations_are_kept_and_answered_with_ids() -> None:
    """A span's and a trace's; the claim of who annotated changes nothing."""
    kept = Kept()
    door = feedback_door(kept)
    result = {"label": "correct", "score": 1.0, "explanation": "It is."}
    span = {"span_id": CALL.request_id, "name": "qa", "annotator_kind": "HUMAN", "result": result}
    spans = await ask(door, json.dumps({"data": [span]}).encode(), path=SPANS)
    trace = {"trace_id": CALL.trace_id, "name": "qa", "result": {"score": 0.0}}
    traces = await ask(door, json.dumps({"data": [trace]}).encode(), path=TRACES)
    assert (spans.status, len(spans.json["data"]), traces.status, len(traces.json["data"])) == (200, 2, 200, 1)
    assert [(one["kind"], one["metric"]) for one in said(kept)] == [
        ("score", "qa"),
        ("outcome", "qa.label"),
        ("score", "qa"),
    ]


@pytest.mark.anyio
async def test_annotations_that_name_no_call_are_refused_whole() -> None:
    """A client of that shape expects all or nothing."""
    kept = Kept()
    span = {"span_id": CALL.span_id, "name": "qa", "result": {"score": 1}}
    told = await ask(feedback_door(kept), json.dumps({"data": [span]}).encode(), path=SPANS)
    assert (told.status, told.json["error"]["param"]) == (400, "span_id")
    assert kept.payloads == []
