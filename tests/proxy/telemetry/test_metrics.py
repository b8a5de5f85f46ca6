"""The registry of one process."""

import threading
from typing import Any

import pytest

from backtalk.errors import SetupError
from backtalk.telemetry import METRICS, Metrics


def test_counter_adds_up() -> None:
    """Counts of the same labels add up, others stay apart."""
    metrics = Metrics()
    metrics.add("backtalk.calls", outcome="completed")
    metrics.add("backtalk.calls", 2, outcome="completed")
    metrics.add("backtalk.calls", outcome="failed")
    snapshot = metrics.snapshot()
    assert snapshot.value("backtalk.calls", outcome="completed") == 3
    assert snapshot.value("backtalk.calls") == 4


def test_gauge_holds_the_last_value() -> None:
    """A gauge is set, and can be moved."""
    metrics = Metrics()
    metrics.set("backtalk.spool.bytes", 10)
    metrics.add("backtalk.spool.bytes", -3)
    assert metrics.snapshot().value("backtalk.spool.bytes") == 7


def test_histogram_counts_a_boundary_into_its_bucket() -> None:
    """A value equal to a boundary belongs to the bucket that ends there."""
    metrics = Metrics()
    bounds = METRICS["http.server.request.duration"].buckets
    metrics.record("http.server.request.duration", bounds[1])
    metrics.record("http.server.request.duration", 99.0)
    (point,) = metrics.snapshot().points["http.server.request.duration"]
    assert point.counts[1] == 1
    assert point.counts[-1] == 1
    assert point.value == bounds[1] + 99.0


def test_label_of_a_series_stays_whatever_order_it_is_given_in() -> None:
    """The order of labels at the call makes no second series, and None is no label."""
    metrics = Metrics()
    metrics.add("backtalk.signals", kind="stop", model="m")
    metrics.add("backtalk.signals", model="m", kind="stop")
    metrics.add("backtalk.signals", kind="stop", model=None)
    labels = {point.labels: point.value for point in metrics.snapshot().points["backtalk.signals"]}
    assert labels == {(("kind", "stop"), ("model", "m")): 2, (("kind", "stop"),): 1}


def test_labels_with_dots_are_given_with_underscores() -> None:
    """`error_type` is the label `error.type`."""
    metrics = Metrics()
    metrics.record("http.server.request.duration", 1.0, error_type="500")
    (point,) = metrics.snapshot().points["http.server.request.duration"]
    assert point.labels == (("error.type", "500"),)


@pytest.mark.parametrize(
    ("name", "labels", "says"),
    [
        ("backtalk.nothing", {}, "no metric is called backtalk.nothing"),
        ("backtalk.spool.bytes", {"color": "red"}, "backtalk.spool.bytes has no label color; allowed: none"),
        ("http.server.request.duration", {}, "is a histogram, not a counter or gauge"),
    ],
)
def test_what_the_catalogue_does_not_know_is_refused(name: str, labels: dict[str, Any], says: str) -> None:
    """A wrong name, label or kind is a mistake in the code and says so."""
    with pytest.raises(SetupError, match=says):
        Metrics().add(name, **labels)


def test_label_sets_beyond_the_limit_go_to_one_series() -> None:
    """Ten thousand models cannot fill the memory: the rest is counted together, and how often that happened."""
    metrics = Metrics(limit=10)
    for number in range(100):
        metrics.add("backtalk.signals", kind="stop", model=f"m{number}")
    snapshot = metrics.snapshot()
    points = snapshot.points["backtalk.signals"]
    assert len(points) == 11
    assert sum(point.value for point in points) == 100
    assert points[-1].labels == (("otel.metric.overflow", "true"),)
    assert snapshot.value("backtalk.telemetry.labels_dropped", metric="backtalk.signals") == 90


def test_nothing_is_lost_between_threads() -> None:
    """Threads may record at the same time."""
    metrics = Metrics()

    def work() -> None:
        for _ in range(2_000):
            metrics.add("backtalk.spool.syncs")
            metrics.record("backtalk.proxy.overhead", 0.001)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    snapshot = metrics.snapshot()
    assert snapshot.value("backtalk.spool.syncs") == 8_000
    assert sum(snapshot.points["backtalk.proxy.overhead"][0].counts) == 8_000
