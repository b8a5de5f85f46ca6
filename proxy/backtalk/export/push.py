"""Metrics to the receiver, every few seconds, from the merged figures of all processes.

A thread of its own, so that a receiver that cannot take metrics never holds up a span. A push that fails is counted and
forgotten: figures are cumulative, the next push says all that this one would have said.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

from backtalk.export.failure import NotTakenError
from backtalk.export.figures import metrics_data
from backtalk.export.origin import Origin
from backtalk.export.sender import SendsOtlp
from backtalk.telemetry import Metrics, Snapshot

_log = logging.getLogger(__name__)
_EXPORTER = "otlp_metrics"


class MetricsPush:
    """Pushes what `figures` gives, until the receiver says that it takes none."""

    def __init__(
        self, way: SendsOtlp, origin: Origin, figures: Callable[[], Snapshot], metrics: Metrics, interval_s: float
    ) -> None:
        self._way = way
        self._origin = origin
        self._figures = figures
        self._metrics = metrics
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="export-metrics", daemon=True)

    def start(self) -> None:
        """Begin to push."""
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether pushes go on."""
        return self._thread.is_alive()

    def stop(self, deadline_s: float = 2.0) -> None:
        """Push once more and end."""
        self._stop.set()
        self._thread.join(deadline_s)
        self._way.close()

    def _run(self) -> None:
        ended = False
        while not ended:
            ended = self._stop.wait(self._interval_s)
            try:
                data: Any = metrics_data(self._figures(), self._origin)
                self._way.send(data)
            except NotTakenError as error:
                self._failed(error)
                if error.meaning == "never":
                    _log.warning("the receiver takes no metrics; they are not pushed any more")
                    return
            except Exception as error:  # noqa: BLE001 # metrics must not end with one unreadable file
                self._failed(error)

    def _failed(self, error: Exception) -> None:
        self._metrics.add("backtalk.export.failed", exporter=_EXPORTER)
        _log.warning("metrics were not pushed", extra={"reason": str(error)})
