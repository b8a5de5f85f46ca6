"""Exporters that take from their host what only the host knows: its registry and the merged figures."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

from backtalk.plugin.protocols import Exporter
from backtalk.settings import TelemetrySettings
from backtalk.telemetry import Metrics, Snapshot, read_all


@runtime_checkable
class Hosted(Protocol):
    """An exporter that can be attached; `OtlpExporter` is one."""

    def attach(
        self, *, metrics: Metrics, content: bool, figures: Callable[[], Snapshot] | None, interval_s: float
    ) -> None:
        """Take registry and settings; `figures` gives the metrics of all processes."""
        ...


def attach(exporter: Exporter, settings: TelemetrySettings, metrics: Metrics, metrics_directory: Path) -> None:
    """Attach an exporter that wants it; any other is left as it is."""
    if isinstance(exporter, Hosted):
        exporter.attach(
            metrics=metrics,
            content=settings.content,
            figures=lambda: read_all(metrics_directory),
            interval_s=settings.metrics_interval_s,
        )
