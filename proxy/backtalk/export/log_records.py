"""OTLP's log records as others send them to us: protobuf in, the shape of OTLP/JSON out; and the answers to them.

In: bytes. Out: plain values, so that who understands them needs no protobuf. Of a record only what an event has is
kept; of values only texts and numbers.
"""

from typing import Any, Final

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it has no stubs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from backtalk.errors import RequestError

_LEVELS: Final = ("resource_logs", "scope_logs", "log_records", "attributes")


def document_of(raw: bytes, *, most: int) -> dict[str, Any]:
    """An `ExportLogsServiceRequest` as OTLP/JSON has it.

    Raises `RequestError` where the bytes are none, or hold more than `most` messages and attributes.
    """
    try:
        request = ExportLogsServiceRequest.FromString(raw)
    except DecodeError as error:
        message = "the body is no ExportLogsServiceRequest in protobuf"
        raise RequestError(message, code="invalid_protobuf") from error
    _check_size(request, most)
    records = [
        _record(record) for logs in request.resource_logs for scope in logs.scope_logs for record in scope.log_records
    ]
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}


def taken(rejected: int, message: str) -> bytes:
    """An `ExportLogsServiceResponse`; empty where nothing was rejected."""
    response = ExportLogsServiceResponse()
    if rejected:
        response.partial_success.rejected_log_records = rejected
        response.partial_success.error_message = message
    return bytes(response.SerializeToString())


def failed(message: str) -> bytes:
    """A `google.rpc.Status`, the body of every failure in OTLP/HTTP: its message is field 2, as is this one's."""
    return bytes(ExportLogsPartialSuccess(error_message=message).SerializeToString())


def _check_size(request: ExportLogsServiceRequest, most: int) -> None:
    """Count level by level before anything is made of it: two bytes of protobuf become a thousand of Python."""
    level: list[Any] = [request]
    count = 0
    for name in _LEVELS:
        count += sum(len(getattr(one, name)) for one in level)
        if count > most:
            message = f"the body holds more than {most} messages and attributes"
            raise RequestError(message, code="invalid_protobuf")
        level = [inner for one in level for inner in getattr(one, name)]


def _record(record: LogRecord) -> dict[str, Any]:
    return {
        "traceId": record.trace_id.hex(),
        "spanId": record.span_id.hex(),
        "eventName": record.event_name,
        "timeUnixNano": str(record.time_unix_nano),
        "observedTimeUnixNano": str(record.observed_time_unix_nano),
        "attributes": [{"key": one.key, "value": _value(one)} for one in record.attributes],
    }


def _value(one: KeyValue) -> dict[str, Any]:
    which = one.value.WhichOneof("value")
    if which == "string_value":
        return {"stringValue": one.value.string_value}
    if which == "double_value":
        return {"doubleValue": one.value.double_value}
    return {"intValue": str(one.value.int_value)} if which == "int_value" else {}
