"""The figures of this process: plain numbers behind one lock, cheap enough for every call and every chunk.

In: `add`, `record` and `set` from any thread. Out: frozen snapshots, and one file per process life that other processes
read. Names and labels are checked against the catalogue; a metric keeps a bounded number of label sets.
"""

import os
import secrets
import threading
from bisect import bisect_left
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from backtalk import clock
from backtalk.errors import SetupError
from backtalk.telemetry.catalogue import LABELS_DROPPED, METRICS, OVERFLOW, Kind, Label, Metric
from backtalk.telemetry.files import birth_of, write
from backtalk.telemetry.snapshot import LabelSet, Point, Snapshot

_OVERFLOW_SET: Final[LabelSet] = ((OVERFLOW, "true"),)


class Metrics:
    """The registry of one process life; `process` is its role (`proxy`, `worker`, ...).

    Labels are given with underscores for dots (`error_type="timeout"` is `error.type`); None means absent.
    """

    def __init__(self, process: str = "process", *, limit: int = 200, metrics: Mapping[str, Metric] = METRICS) -> None:
        self.life: Final = f"{process}-{os.getpid()}-{secrets.token_hex(6)}"
        self._started_ns = clock.now().wall_ns
        self._limit = limit
        self._metrics = metrics
        self._lock = threading.Lock()
        self._cells: dict[object, _Cell] = {}
        self._series: dict[str, dict[LabelSet, _Cell]] = {}

    def add(self, name: str, n: float = 1, /, **labels: Label | None) -> None:
        """Let a counter grow by `n`, or move a gauge by it."""
        key = (name, *labels.items()) if labels else name
        with self._lock:
            cell = self._cells.get(key) or self._open(key, name, labels, "counter", "gauge")
            cell.value += n

    def set(self, name: str, value: float, /, **labels: Label | None) -> None:
        """Say the present level of a gauge."""
        key = (name, *labels.items()) if labels else name
        with self._lock:
            cell = self._cells.get(key) or self._open(key, name, labels, "gauge")
            cell.value = value

    def record(self, name: str, value: float, /, **labels: Label | None) -> None:
        """Count a value in a histogram."""
        key = (name, *labels.items()) if labels else name
        with self._lock:
            cell = self._cells.get(key) or self._open(key, name, labels, "histogram")
            cell.value += value
            cell.counts[bisect_left(cell.bounds, value)] += 1

    def snapshot(self) -> Snapshot:
        """All series as they are now."""
        with self._lock:
            points = {
                name: tuple(Point(labels, cell.value, tuple(cell.counts)) for labels, cell in series.items())
                for name, series in self._series.items()
            }
        pid = os.getpid()
        return Snapshot(self.life, pid, birth_of(pid), self._started_ns, clock.now().wall_ns, points)

    def publish(self, directory: Path) -> None:
        """Write the snapshot atomically to this life's file in `directory`."""
        write(directory, self.snapshot())

    def _open(self, key: object, name: str, labels: Mapping[str, Label | None], *kinds: Kind) -> "_Cell":
        """Find or make the series, checking what is only checked once for each way of naming it."""
        metric = self._known(name, kinds)
        label_set = _in_order(metric, labels)
        series = self._series.setdefault(name, {})
        cell = series.get(label_set)
        if cell is None and len(series) >= self._limit:
            self._count_overflow(name)
            return series.setdefault(_OVERFLOW_SET, _Cell(metric))
        if cell is None:
            cell = series[label_set] = _Cell(metric)
        if len(self._cells) < 4 * self._limit * len(self._metrics):
            self._cells[key] = cell
        return cell

    def _known(self, name: str, kinds: tuple[Kind, ...]) -> Metric:
        metric = self._metrics.get(name)
        if metric is None:
            raise SetupError(f"no metric is called {name}; telemetry/catalogue.py lists them", code="unknown_metric")
        if metric.kind not in kinds:
            raise SetupError(f"{name} is a {metric.kind}, not a {' or '.join(kinds)}", code="unknown_metric")
        return metric

    def _count_overflow(self, name: str) -> None:
        metric = METRICS[LABELS_DROPPED]
        self._series.setdefault(LABELS_DROPPED, {}).setdefault((("metric", name),), _Cell(metric)).value += 1


class _Cell:
    """One series while it is being written."""

    __slots__ = ("bounds", "counts", "value")

    def __init__(self, metric: Metric) -> None:
        self.value: int | float = 0
        self.bounds = metric.buckets
        self.counts = [0] * (len(metric.buckets) + 1) if metric.kind == "histogram" else []


def _in_order(metric: Metric, labels: Mapping[str, Label | None]) -> LabelSet:
    given = {label.replace(".", "_"): value for label, value in labels.items()}
    ordered: list[tuple[str, Label]] = []
    for label in metric.labels:
        value = given.pop(label.replace(".", "_"), None)
        if value is not None:
            ordered.append((label, value))
    if given:
        allowed = ", ".join(metric.labels) or "none"
        raise SetupError(f"{metric.name} has no label {', '.join(given)}; allowed: {allowed}", code="unknown_label")
    return tuple(ordered)
