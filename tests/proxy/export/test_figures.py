"""Our metrics as OpenTelemetry's."""

from opentelemetry.sdk.metrics.export import AggregationTemporality, Gauge, Histogram, Sum

from backtalk.export.figures import metrics_data
from backtalk.export.origin import origin
from backtalk.telemetry import METRICS, Metrics


def test_each_kind_becomes_its_counterpart() -> None:
    """Cumulative sums and histograms since the start, gauges as they are, with unit and sentence."""
    metrics = Metrics()
    metrics.add("backtalk.calls", 3, outcome="completed")
    metrics.set("backtalk.worker.lag", 1.5)
    metrics.record("backtalk.proxy.overhead", 0.0003)
    snapshot = metrics.snapshot()
    (resource,) = metrics_data(snapshot, origin()).resource_metrics
    found = {metric.name: metric for metric in resource.scope_metrics[0].metrics}
    calls, lag, overhead = (
        found[name].data for name in ("backtalk.calls", "backtalk.worker.lag", "backtalk.proxy.overhead")
    )
    assert isinstance(calls, Sum)
    assert calls.is_monotonic
    assert calls.aggregation_temporality is AggregationTemporality.CUMULATIVE
    assert calls.data_points[0].value == 3
    assert calls.data_points[0].attributes == {"outcome": "completed"}
    assert calls.data_points[0].start_time_unix_nano == snapshot.started_ns
    assert isinstance(lag, Gauge)
    assert isinstance(overhead, Histogram)
    assert sum(overhead.data_points[0].bucket_counts) == overhead.data_points[0].count == 1
    assert tuple(overhead.data_points[0].explicit_bounds) == METRICS["backtalk.proxy.overhead"].buckets
    assert found["backtalk.worker.lag"].unit == "s"
