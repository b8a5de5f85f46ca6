"""The OpenTelemetry exporter: facts in, spans and log events out over OTLP, and the metrics beside them.

It rests where no endpoint is configured. It raises where the receiver is away, so that the same facts come again; a
fact that cannot be made into a span is dropped, counted and said, for it would never succeed. Log events that alone
fail are given up after a few tries, for they must not hold up spans.
"""

import contextlib
import logging
from collections.abc import Generator, Mapping, Sequence
from typing import ClassVar, Final

from opentelemetry.sdk._logs import ReadableLogRecord

from backtalk import __version__
from backtalk.export.config import destinations
from backtalk.export.failure import NotTakenError
from backtalk.export.host import Host
from backtalk.export.origin import origin
from backtalk.export.push import MetricsPush
from backtalk.export.semconv import generation_of
from backtalk.export.sender import Sender, way_to
from backtalk.export.translation import Records, Translation
from backtalk.model.facts import Fact
from backtalk.settings import TelemetrySettings, otel_environ
from backtalk.telemetry import Metrics

_log = logging.getLogger(__name__)
_LOG_TRIES: Final = 5
_SDK_LOGGER: Final = "opentelemetry"


class OtlpExporter:
    """Sends to the receiver that the OTEL_* variables name; `attach` gives it what only the host knows."""

    name: ClassVar[str] = "otlp"
    api: ClassVar[int] = 1
    version: ClassVar[str] = __version__

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = otel_environ() if environ is None else environ
        self._where = destinations(self._environ)
        self._metrics = Metrics("otlp")
        self._translated: Sequence[Fact] | None = None
        self._records = Records([], [])
        self._log_failures = 0
        self._push: MetricsPush | None = None
        self._spans: Sender | None = None
        self._logs: Sender | None = None
        if self._where:
            # The SDK's exporters log each failed try with a line of their own; the loop says it once.
            logging.getLogger(_SDK_LOGGER).setLevel(logging.CRITICAL)
            self._open(Host(TelemetrySettings(), self._metrics))

    @property
    def resting(self) -> bool:
        """Whether nothing is sent, for no endpoint is configured or all is switched off."""
        return not self._where

    def attach(self, host: Host) -> None:
        """Take the host's settings and registry, and push its figures where there are any."""
        self._metrics = host.metrics
        self._metrics.set("backtalk.export.held", 0)
        if not self._where:
            return
        self._open(host)
        if host.figures is not None and (destination := self._where.get("metrics")) is not None:
            interval_s = host.settings.metrics_interval_s
            self._push = MetricsPush(way_to(destination), self._origin, host.figures, host.metrics, interval_s)
            self._push.start()

    def recall(self, facts: Sequence[Fact]) -> None:
        """Know earlier calls, so that what is said of them later finds them; sends nothing."""
        if self.resting:
            return
        for fact in facts:
            with self._survived(fact):
                self._translation.recall(fact)

    def export(self, facts: Sequence[Fact]) -> None:
        """Deliver spans, then log events; raises where the receiver is away."""
        if self.resting:
            return
        if facts is not self._translated:  # the same facts come again after a failure
            self._records, self._translated = self._translate(facts), facts
        records = self._records
        if self._spans is not None:
            self._spans.send(records.spans)
            records.spans.clear()
        self._send_events(records.events)
        self._records, self._translated = Records([], []), None
        self._translation.report()

    def forget(self) -> None:
        """Let go of calls that are held, and of what was translated and is not delivered."""
        self._records, self._translated = Records([], []), None
        if not self.resting:
            self._translation.forget()

    def close(self) -> None:
        """Push the metrics once more and let all connections go."""
        if self._push is not None:
            self._push.stop()
        for sender in (self._spans, self._logs):
            if sender is not None:
                sender.close()

    def _send_events(self, events: Sequence[ReadableLogRecord]) -> None:
        if self._logs is None:
            return
        try:
            self._logs.send(events)
        except NotTakenError:
            self._log_failures += 1
            if self._log_failures < _LOG_TRIES:
                raise
            self._metrics.add("backtalk.export.dropped", len(events), exporter=self.name, reason="logs_given_up")
            _log.warning("log events were given up; spans go on", extra={"events": len(events)})
        else:
            self._log_failures = 0

    def _open(self, host: Host) -> None:
        traces, logs = self._where.get("traces"), self._where.get("logs")
        for earlier in (self._spans, self._logs):
            if earlier is not None:
                earlier.close()
        self._spans = Sender(traces, self._metrics, required=True) if traces else None
        self._logs = Sender(logs, self._metrics, required=False) if logs else None
        self._origin = origin(generation_of(host.settings.semconv, self._environ))
        self._translation = Translation(self._origin, host)

    def _translate(self, facts: Sequence[Fact]) -> Records:
        found = Records([], [])
        for fact in facts:
            with self._survived(fact):
                spans, events = self._translation.of(fact)
                found.spans.extend(spans)
                found.events.extend(events)
        return found

    @contextlib.contextmanager
    def _survived(self, fact: Fact) -> Generator[None]:
        """A fact that cannot be told must not hold up the others: it would fail for ever."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 # whatever is wrong with it, it costs itself
            self._metrics.add("backtalk.export.dropped", exporter=self.name, reason="not_translated")
            _log.warning("a fact could not be exported", extra={"fact": type(fact).__name__, "reason": str(error)})
