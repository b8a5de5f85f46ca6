"""OTLP over HTTP: the SDK's exporters on a session that tells us what the receiver said.

The SDK answers success or failure and waits between tries of its own. Here a refusal ends the try at once, and its
status is kept: waiting is the loop's business, which can be stopped.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import requests
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from backtalk.export.config import Destination, Wire
from backtalk.export.failure import NotTakenError

_DETAIL_LIMIT: Final = 200


class WatchedSession(requests.Session):
    """A session that raises for every refusal, in a way that the SDK does not wait for, and remembers why."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire: Wire = wire
        self.failure: NotTakenError | None = None
        self.rejected = 0

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send; the response is a good one."""
        self.failure = None
        try:
            response = super().request(*args, **kwargs)
        except requests.RequestException as error:
            self.failure = NotTakenError(self._wire, type(error).__name__)
            raise self.failure from error
        if response.status_code >= 300:
            self.failure = NotTakenError(self._wire, str(response.status_code), response.text[:_DETAIL_LIMIT])
            raise self.failure
        self.rejected = _rejected(self._wire, response.content)
        return response


class HttpWire:
    """Sends one kind of telemetry over HTTP."""

    def __init__(self, destination: Destination) -> None:
        self._wire = destination.wire
        self._session = WatchedSession(destination.wire)
        self._exporter = _EXPORTERS[destination.wire](endpoint=destination.endpoint, session=self._session)

    def send(self, items: Sequence[Any]) -> int:
        """Send a batch; returns how many records the receiver rejected, raises `NotTakenError`."""
        result = self._exporter.export(items)
        if result.name != "SUCCESS":
            raise self._session.failure or NotTakenError(self._wire, "413", "larger than OTLP allows")
        return self._session.rejected

    def close(self) -> None:
        """Let the connections go."""
        self._exporter.shutdown()


_EXPORTERS: Final[dict[Wire, Callable[..., Any]]] = {
    "traces": OTLPSpanExporter,
    "logs": OTLPLogExporter,
    "metrics": OTLPMetricExporter,
}


def _rejected(wire: Wire, content: bytes) -> int:
    """Records that a receiver did not take although it answered 200."""
    if not content or wire == "metrics":
        return 0
    try:
        if wire == "traces":
            return int(ExportTraceServiceResponse.FromString(content).partial_success.rejected_spans)
        return int(ExportLogsServiceResponse.FromString(content).partial_success.rejected_log_records)
    except Exception:  # noqa: BLE001 # some receivers answer with JSON or a word, which is no refusal
        return 0
