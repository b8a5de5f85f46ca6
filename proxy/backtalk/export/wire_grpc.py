"""OTLP over gRPC: the SDK's exporters with a stub that tells us what the receiver said.

Imported only where the protocol is grpc, for the library costs memory and start-up time. As over HTTP, one try is one
try: no status is one that the SDK would wait for.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import grpc  # type: ignore[import-untyped]  # has no types; this module is its only door
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

from backtalk.export.config import Destination, Wire
from backtalk.export.failure import NotTakenError

_DETAIL_LIMIT: Final = 200
_NONE_IS_WAITED_FOR: Final = frozenset({grpc.StatusCode.OK})
_REJECTED: Final = {"traces": "rejected_spans", "logs": "rejected_log_records", "metrics": "rejected_data_points"}
_EXPORTERS: Final[dict[Wire, Callable[..., Any]]] = {
    "traces": OTLPSpanExporter,
    "logs": OTLPLogExporter,
    "metrics": OTLPMetricExporter,
}


class GrpcWire:
    """Sends one kind of telemetry over gRPC."""

    def __init__(self, destination: Destination) -> None:
        self._wire = destination.wire
        self._failure: NotTakenError | None = None
        self._rejected = 0
        self._exporter = _EXPORTERS[destination.wire](
            endpoint=destination.endpoint, retryable_error_codes=_NONE_IS_WAITED_FOR
        )
        self._watch()

    def send(self, items: Sequence[Any]) -> int:
        """Send a batch; returns how many records the receiver rejected, raises `NotTakenError`."""
        self._failure = None
        result = self._exporter.export(items)
        if result.name != "SUCCESS":
            raise self._why()
        return self._rejected

    def close(self) -> None:
        """Let the channel go."""
        self._exporter.shutdown()

    def _why(self) -> NotTakenError:
        return self._failure or NotTakenError(self._wire, "UNKNOWN")

    def _watch(self) -> None:
        """Stand between the exporter and each stub it makes; it makes a new one with each new channel."""
        make_stub = self._exporter._stub  # noqa: SLF001 # the SDK has no public way to learn the status

        def watched(channel: grpc.Channel) -> "_WatchedStub":
            return _WatchedStub(make_stub(channel), self._note)

        self._exporter._stub = watched  # noqa: SLF001
        self._exporter._client = watched(self._exporter._channel)  # noqa: SLF001

    def _note(self, answer: Any) -> None:
        if isinstance(answer, grpc.RpcError):
            call: Any = answer
            self._failure = NotTakenError(self._wire, call.code().name, str(call.details())[:_DETAIL_LIMIT])
        else:
            self._rejected = getattr(answer.partial_success, _REJECTED[self._wire])


class _WatchedStub:
    """A service stub that reports each answer and each failure."""

    def __init__(self, stub: Any, note: Callable[[Any], None]) -> None:
        self._export = stub.Export
        self._note = note

    def Export(self, **arguments: Any) -> Any:  # noqa: N802 # the name is the service's
        """Call the service."""
        try:
            answer = self._export(**arguments)
        except grpc.RpcError as error:
            self._note(error)
            raise
        self._note(answer)
        return answer
