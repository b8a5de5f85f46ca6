"""The OpenTelemetry exporter: facts in, spans and log events out over OTLP, and the metrics beside them.

It rests where no endpoint is configured. It raises where the receiver is away, so that the same facts come again; a
fact that cannot be made into a span is dropped, counted and said, for it would never succeed. Log events that alone
fail are given up after a few tries, for they must not hold up spans.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.trace import ReadableSpan

from backtalk import __version__
from backtalk.export.attempts import attempt_spans
from backtalk.export.config import destinations
from backtalk.export.failure import NotTakenError
from backtalk.export.feedback_verdicts import of_feedback
from backtalk.export.index import CallIndex
from backtalk.export.origin import origin
from backtalk.export.push import MetricsPush
from backtalk.export.sender import Sender, way_to
from backtalk.export.spans import spans_of
from backtalk.export.verdicts import carrier_of, event_of, of_signal
from backtalk.model.facts import CallClosed, Fact, FeedbackGiven, SignalFound
from backtalk.settings import otel_environ
from backtalk.telemetry import Metrics, Snapshot

_log = logging.getLogger(__name__)
_LOG_TRIES: Final = 5
_SDK_LOGGER: Final = "opentelemetry"


class OtlpExporter:
    """Sends to the receiver that the OTEL_* variables name; `attach` gives it what only the host knows."""

    name: ClassVar[str] = "otlp"
    api: ClassVar[int] = 1
    version: ClassVar[str] = __version__

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._where = destinations(otel_environ() if environ is None else environ)
        self._index = CallIndex()
        self._content = False
        self._metrics = Metrics("otlp")
        self._delivered: Sequence[Fact] = ()
        self._log_failures = 0
        self._push: MetricsPush | None = None
        self._spans: Sender | None = None
        self._logs: Sender | None = None
        if self._where:
            # The SDK's exporters log each failed try with a line of their own; the loop says it once.
            logging.getLogger(_SDK_LOGGER).setLevel(logging.CRITICAL)
            self._origin = origin()
            self._open()

    @property
    def resting(self) -> bool:
        """Whether nothing is sent, for no endpoint is configured or all is switched off."""
        return not self._where

    def attach(
        self,
        *,
        metrics: Metrics,
        content: bool = False,
        figures: Callable[[], Snapshot] | None = None,
        interval_s: float = 15.0,
    ) -> None:
        """Take the host's registry and settings; `figures` gives the merged metrics that are pushed."""
        self._content = content
        self._metrics = metrics
        if self._where:
            self._open()
        if figures is not None and (destination := self._where.get("metrics")) is not None:
            self._push = MetricsPush(way_to(destination), self._origin, figures, metrics, interval_s)
            self._push.start()

    def export(self, facts: Sequence[Fact]) -> None:
        """Deliver spans, then log events; raises where the receiver is away."""
        if self.resting:
            return
        spans: list[ReadableSpan] = []
        events: list[ReadableLogRecord] = []
        for fact in facts:
            try:
                self._translate(fact, spans, events)
            except Exception as error:  # noqa: BLE001 # a fact that cannot be told must not hold up the others
                self._metrics.add("backtalk.export.dropped", exporter=self.name, reason="not_translated")
                _log.warning("a fact could not be exported", extra={"fact": type(fact).__name__, "reason": str(error)})
        if self._spans is not None and facts is not self._delivered:
            self._spans.send(spans)
        self._delivered = facts
        self._send_events(events)

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

    def _open(self) -> None:
        traces, logs = self._where.get("traces"), self._where.get("logs")
        for earlier in (self._spans, self._logs):
            if earlier is not None:
                earlier.close()
        self._spans = Sender(traces, self._metrics, required=True) if traces else None
        self._logs = Sender(logs, self._metrics, required=False) if logs else None

    def _translate(self, fact: Fact, spans: list[ReadableSpan], events: list[ReadableLogRecord]) -> None:
        if isinstance(fact, CallClosed):
            self._index.add(fact)
            spans += spans_of(fact, self._origin, content=self._content)
            spans += attempt_spans(fact, self._origin)
        elif isinstance(fact, SignalFound | FeedbackGiven) and not _is_replayed(fact):
            verdicts = (
                [of_signal(fact, content=self._content)]
                if isinstance(fact, SignalFound)
                else of_feedback(fact, self._index.target_of, content=self._content)
            )
            spans += (carrier_of(verdict, self._origin) for verdict in verdicts)
            events += filter(None, (event_of(verdict, self._origin) for verdict in verdicts))


def _is_replayed(fact: SignalFound | FeedbackGiven) -> bool:
    """What a replay finds of the past is the ledger's; nobody's alarm waits for it."""
    return isinstance(fact, SignalFound) and fact.replay > 0
