"""Receivers of OTLP for tests: real servers over HTTP and gRPC that keep what they got and can be told to refuse.

In: exports from any client. Out: the protobuf messages in order of arrival. `answer` decides each reply, so a test can
play a receiver that is out of order, picky, or has no route for logs.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

import grpc  # type: ignore[import-untyped]  # has no types
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Answer = Callable[[str, Any], int]
"""From the route (`traces`, `logs`, `metrics`) and the message to an HTTP status."""

_MESSAGES: Final[dict[str, Any]] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
_RESPONSES: Final[dict[str, Any]] = {
    "traces": ExportTraceServiceResponse,
    "logs": ExportLogsServiceResponse,
    "metrics": ExportMetricsServiceResponse,
}
_REJECTED: Final = {"traces": "rejected_spans", "logs": "rejected_log_records"}
_SERVICES: Final = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
}
_GRPC_STATUS: Final = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.UNIMPLEMENTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
}


class Received:
    """What a receiver has taken, and how it answers."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.answer: Answer = answer or (lambda _route, _message: 200)
        self.seen: list[tuple[str, Any, dict[str, str]]] = []
        """Each accepted export: route, message, headers (lower-case)."""
        self.tried: list[str] = []
        """The route of each export, accepted or not."""
        self.rejects = 0
        """How many records of each accepted export of spans or logs it says that it has not taken."""

    def take(self, route: str, message: Any, headers: dict[str, str]) -> int:
        """Note an export and say its status."""
        self.tried.append(route)
        status = self.answer(route, message)
        if status == 200:
            self.seen.append((route, message, headers))
        return status

    def response(self, route: str) -> Any:
        """The message of an accepted export's reply."""
        reply = _RESPONSES[route]()
        if self.rejects and route in _REJECTED:
            setattr(reply.partial_success, _REJECTED[route], self.rejects)
        return reply

    @property
    def spans(self) -> list[Span]:
        """All spans so far."""
        return [
            span
            for route, message, _ in list(self.seen)
            if route == "traces"
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def logs(self) -> list[LogRecord]:
        """All log records so far."""
        return [
            record
            for route, message, _ in list(self.seen)
            if route == "logs"
            for resource in message.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    @property
    def metrics(self) -> dict[str, Metric]:
        """The latest of each metric."""
        return {
            metric.name: metric
            for route, message, _ in list(self.seen)
            if route == "metrics"
            for resource in message.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


class HttpReceiver(Received):
    """Listens on a port of 127.0.0.1 while its block lasts; port 0 takes a free one."""

    def __init__(self, answer: Answer | None = None, *, port: int = 0) -> None:
        super().__init__(answer)
        handler = type("Handler", (_Handler,), {"received": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class GrpcReceiver(Received):
    """The same over gRPC; a message larger than `max_bytes` it refuses as every gRPC server does."""

    def __init__(self, answer: Answer | None = None, *, port: int = 0, max_bytes: int = 4 << 20) -> None:
        super().__init__(answer)
        options = (("grpc.max_receive_message_length", max_bytes),)
        self._server = grpc.server(futures.ThreadPoolExecutor(2), options=options)
        for route, service in _SERVICES.items():
            method = grpc.unary_unary_rpc_method_handler(
                _Service(self, route),
                request_deserializer=_MESSAGES[route].FromString,
                response_serializer=_RESPONSES[route].SerializeToString,
            )
            self._server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(service, {"Export": method}),),
            )
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port(f'127.0.0.1:{port}')}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(None).wait()


def attributes_of(pairs: Sequence[KeyValue]) -> dict[str, Any]:
    """Attributes as Python values; arrays as lists."""
    return {pair.key: _plain(pair.value) for pair in pairs}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(item) for item in value.array_value.values]
    return getattr(value, kind) if kind else None


class _Handler(BaseHTTPRequestHandler):
    received: Received
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Take one export."""
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        route = self.path.removeprefix("/v1/")
        message = _MESSAGES[route].FromString(body)
        headers = {name.lower(): value for name, value in self.headers.items()}
        status = self.received.take(route, message, headers)
        reply = self.received.response(route).SerializeToString() if status == 200 else b""
        self.send_response(status)
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        with contextlib.suppress(OSError):  # a client that did not wait for it
            self.wfile.write(reply)

    def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] # says nothing
        """Stay silent."""


class _Service:
    """One method of the gRPC server."""

    def __init__(self, received: Received, route: str) -> None:
        self._received = received
        self._route = route

    def __call__(self, message: Any, context: Any) -> Any:
        headers = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
        status = self._received.take(self._route, message, headers)
        if status != 200:
            context.abort(_GRPC_STATUS[status], "told to refuse")
        return self._received.response(self._route)
