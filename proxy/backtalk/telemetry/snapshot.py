"""The figures of one process at one moment, as a frozen value, and the sum of several such values.

In: snapshots of process lives. Out: one snapshot. Counters and histograms of dead processes keep counting, their gauges
end with them. A merged metric keeps a bounded number of label sets; the rest goes to its overflow series.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from backtalk.telemetry.catalogue import METRICS, OVERFLOW, Label, Metric

LabelSet = tuple[tuple[str, Label], ...]
"""Labels in the catalogue's order; an absent label is left out."""

MERGED_SETS: Final = 1_000
"""Label sets that a merged metric keeps."""


class Point(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One series: `value` is the count, the level, or a histogram's sum; `counts` its buckets, the last one open."""

    labels: LabelSet
    value: int | float
    counts: tuple[int, ...] = ()


class Snapshot(msgspec.Struct, frozen=True, omit_defaults=True):
    """All series of a process life. `life` is unique; `absorbed` names the lives a folded snapshot already holds."""

    life: str
    pid: int
    birth: str
    """What tells this process from another with its pid."""
    started_ns: int
    taken_ns: int
    points: Mapping[str, tuple[Point, ...]]
    absorbed: tuple[str, ...] = ()

    def value(self, name: str, **labels: Label) -> int | float:
        """The sum of a metric's series that carry these labels (dots written as underscores); 0 where there is none."""
        wanted = set(labels.items())
        return sum(
            point.value
            for point in self.points.get(name, ())
            if wanted <= {(label.replace(".", "_"), value) for label, value in point.labels}
        )


def merge(life: str, live: Iterable[Snapshot], dead: Iterable[Snapshot] = ()) -> Snapshot:
    """Add up snapshots; gauges are taken from live processes alone."""
    total = _Sum()
    for snapshot in live:
        total.take(snapshot, gauges=True)
    for snapshot in dead:
        total.take(snapshot, gauges=False)
    return total.result(life)


class _Sum:
    """A merge in progress."""

    def __init__(self) -> None:
        self._series: dict[str, dict[LabelSet, Point]] = {}
        self._started: list[int] = []
        self._taken: list[int] = [0]

    def take(self, snapshot: Snapshot, *, gauges: bool) -> None:
        """Add one process's series; metrics that the catalogue does not know are left out."""
        self._started.append(snapshot.started_ns)
        self._taken.append(snapshot.taken_ns)
        for name, points in snapshot.points.items():
            metric = METRICS.get(name)
            if metric is not None and (gauges or metric.kind != "gauge"):
                self._add(metric, points)

    def _add(self, metric: Metric, points: Iterable[Point]) -> None:
        series = self._series.setdefault(metric.name, {})
        for point in points:
            full = len(series) >= MERGED_SETS and point.labels not in series
            labels: LabelSet = ((OVERFLOW, "true"),) if full else point.labels
            earlier = series.get(labels)
            series[labels] = _plus(metric, earlier, point, labels) if earlier or full else point

    def result(self, life: str) -> Snapshot:
        """The merged snapshot."""
        points = {name: tuple(series.values()) for name, series in self._series.items()}
        return Snapshot(life, 0, "", min(self._started, default=0), max(self._taken), points)


def _plus(metric: Metric, a: Point | None, b: Point, labels: LabelSet) -> Point:
    if a is None:
        return Point(labels, b.value, b.counts)
    if metric.kind == "gauge" and metric.across == "max":
        return Point(labels, max(a.value, b.value))
    if len(a.counts) != len(b.counts):  # boundaries changed between two versions of Backtalk
        return a
    return Point(labels, a.value + b.value, tuple(x + y for x, y in zip(a.counts, b.counts, strict=True)))
