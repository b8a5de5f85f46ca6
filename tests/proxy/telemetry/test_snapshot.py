"""Snapshots and their sum."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from backtalk.telemetry import Metrics, Snapshot, merge

COUNTS = st.lists(st.integers(0, 1_000), max_size=6)


def _snapshot(fill: Callable[[Metrics], None]) -> Snapshot:
    metrics = Metrics()
    fill(metrics)
    return metrics.snapshot()


def test_gauges_of_dead_processes_end() -> None:
    """What a dead process held is gone, what it counted stays."""

    def fill(metrics: Metrics) -> None:
        metrics.set("backtalk.spool.bytes", 5)
        metrics.add("backtalk.spool.syncs", 2)

    merged = merge("all", [_snapshot(fill)], [_snapshot(fill)])
    assert merged.value("backtalk.spool.bytes") == 5
    assert merged.value("backtalk.spool.syncs") == 4


def test_lag_of_several_processes_is_the_largest() -> None:
    """Bytes add up over processes, delays do not."""
    slow = _snapshot(lambda metrics: metrics.set("backtalk.worker.lag", 9.0))
    quick = _snapshot(lambda metrics: metrics.set("backtalk.worker.lag", 0.5))
    assert merge("all", [quick, slow]).value("backtalk.worker.lag") == 9.0


def test_histograms_add_bucket_by_bucket() -> None:
    """The sum of two histograms has the values of both."""
    one = _snapshot(lambda metrics: metrics.record("backtalk.proxy.overhead", 0.001))
    two = _snapshot(lambda metrics: metrics.record("backtalk.proxy.overhead", 99.0))
    (point,) = merge("all", [one], [two]).points["backtalk.proxy.overhead"]
    assert sum(point.counts) == 2
    assert point.counts[-1] == 1
    assert point.value == 99.001


def test_metrics_of_another_version_are_left_out() -> None:
    """A file that an older process left may hold names that the catalogue no longer knows."""
    snapshot = _snapshot(lambda metrics: metrics.add("backtalk.spool.syncs"))
    strange = Snapshot("l", 1, "", 0, 0, {"backtalk.gone": snapshot.points["backtalk.spool.syncs"]})
    assert dict(merge("all", [strange]).points) == {}


def test_merged_label_sets_are_bounded() -> None:
    """Many processes with many labels each do not make an endless metric."""

    def labels(process: int) -> Callable[[Metrics], None]:
        def fill(metrics: Metrics) -> None:
            for number in range(150):
                metrics.add("backtalk.signals", kind="stop", model=f"{process}-{number}")

        return fill

    merged = merge("all", [_snapshot(labels(process)) for process in range(10)])
    assert len(merged.points["backtalk.signals"]) == 1_001
    assert merged.value("backtalk.signals") == 1_500


@given(COUNTS, COUNTS)
def test_sum_of_counters_is_the_same_in_any_order(first: list[int], second: list[int]) -> None:
    """Merging is addition, whoever comes first."""

    def fill(counts: list[int]) -> Snapshot:
        def work(metrics: Metrics) -> None:
            for number, count in enumerate(counts):
                metrics.add("backtalk.calls", count, outcome=str(number % 3))

        return _snapshot(work)

    a, b = fill(first), fill(second)
    for outcome in "012":
        assert merge("x", [a], [b]).value("backtalk.calls", outcome=outcome) == merge("x", [b, a]).value(
            "backtalk.calls", outcome=outcome
        )
    assert merge("x", [a, b]).value("backtalk.calls") == sum(first) + sum(second)
