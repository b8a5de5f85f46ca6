"""A snapshot of our metrics as OpenTelemetry's metrics data. Pure; cumulative, with our units and buckets."""

from collections.abc import Sequence
from typing import Final, cast

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)

from backtalk.export.origin import Origin
from backtalk.telemetry import METRICS, Point, Snapshot
from backtalk.telemetry import Metric as Described

_NOT_KEPT: Final = cast("float", None)
"""OTLP has these as optional fields; the SDK's type does not say so."""
_CUMULATIVE: Final = AggregationTemporality.CUMULATIVE


def metrics_data(snapshot: Snapshot, origin: Origin) -> MetricsData:
    """All series of a snapshot whose metric is known."""
    metrics = [
        Metric(name, metric.sentence, metric.unit, _data(metric, points, snapshot))
        for name, metric in METRICS.items()
        if (points := snapshot.points.get(name))
    ]
    scope = ScopeMetrics(origin.scope, metrics, origin.schema_url)
    return MetricsData([ResourceMetrics(origin.resource, [scope], origin.schema_url)])


def _data(metric: Described, points: Sequence[Point], snapshot: Snapshot) -> Sum | Gauge | Histogram:
    if metric.kind == "histogram":
        return Histogram([_histogram(metric, point, snapshot) for point in points], _CUMULATIVE)
    numbers = [
        NumberDataPoint(dict(point.labels), snapshot.started_ns, snapshot.taken_ns, point.value) for point in points
    ]
    return Gauge(numbers) if metric.kind == "gauge" else Sum(numbers, _CUMULATIVE, is_monotonic=True)


def _histogram(metric: Described, point: Point, snapshot: Snapshot) -> HistogramDataPoint:
    return HistogramDataPoint(
        attributes=dict(point.labels),
        start_time_unix_nano=snapshot.started_ns,
        time_unix_nano=snapshot.taken_ns,
        count=sum(point.counts),
        sum=point.value,
        bucket_counts=point.counts,
        explicit_bounds=metric.buckets,
        min=_NOT_KEPT,
        max=_NOT_KEPT,
    )
