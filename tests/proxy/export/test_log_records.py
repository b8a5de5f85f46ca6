"""OTLP's log records in protobuf, as an exporter writes them, and our answers as it reads them."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from backtalk.errors import RequestError
from backtalk.export.log_records import document_of, failed, taken


def test_a_request_becomes_the_json_shape() -> None:
    """Ids in hex, 64-bit numbers as texts, texts and numbers as they are; other values are left out."""
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.trace_id, record.span_id = bytes.fromhex("5b" * 16), bytes.fromhex("ee" * 8)
    record.event_name, record.time_unix_nano = "gen_ai.evaluation.result", 1544712660300000000
    record.attributes.add(key="name").value.string_value = "x"
    record.attributes.add(key="score").value.double_value = 0.5
    record.attributes.add(key="count").value.int_value = 3
    record.attributes.add(key="flag").value.bool_value = True
    (found,) = document_of(request.SerializeToString(), most=100)["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    assert found == {
        "traceId": "5b" * 16,
        "spanId": "ee" * 8,
        "eventName": "gen_ai.evaluation.result",
        "timeUnixNano": "1544712660300000000",
        "observedTimeUnixNano": "0",
        "attributes": [
            {"key": "name", "value": {"stringValue": "x"}},
            {"key": "score", "value": {"doubleValue": 0.5}},
            {"key": "count", "value": {"intValue": "3"}},
            {"key": "flag", "value": {}},
        ],
    }


@given(st.binary(max_size=300))
def test_bytes_that_are_none_are_refused(raw: bytes) -> None:
    """Any bytes are a request or a 400."""
    with contextlib.suppress(RequestError):
        assert "resourceLogs" in document_of(raw, most=100)


@pytest.mark.parametrize("level", ["resource_logs", "scope_logs", "log_records", "attributes"])
def test_more_than_may_be_is_refused_at_every_level(level: str) -> None:
    """A kilobyte of gzip opens into half a million empty messages: they are counted before they become objects."""
    request = ExportLogsServiceRequest()
    holders: dict[str, Any] = {"resource_logs": request}
    holders["scope_logs"] = request.resource_logs.add()
    holders["log_records"] = holders["scope_logs"].scope_logs.add()
    holders["attributes"] = holders["log_records"].log_records.add()
    for _ in range(100):
        getattr(holders[level], level).add()
    raw = request.SerializeToString()
    with pytest.raises(RequestError, match="more than 100 messages"):
        document_of(raw, most=100)
    assert document_of(raw, most=104)


def test_answers_are_those_of_the_protocol() -> None:
    """All taken is an empty message; partial success counts; a failure is a Status."""
    assert taken(0, "") == b""
    partial = ExportLogsServiceResponse.FromString(taken(2, "why")).partial_success
    assert (partial.rejected_log_records, partial.error_message) == (2, "why")
    assert failed("why") == b"\x12\x03why", "field 2 of google.rpc.Status"
    with pytest.raises(RequestError):
        document_of(b"\xff\xff\xff", most=100)
