"""Metrics pushed to a real receiver."""

from backtalk.export.config import Destination
from backtalk.export.origin import origin
from backtalk.export.push import MetricsPush
from backtalk.export.sender import way_to
from backtalk.telemetry import Metrics
from backtalk.testing.otlp import HttpReceiver
from backtalk.testing.waiting import wait_until


def _push(receiver: HttpReceiver, metrics: Metrics, interval_s: float) -> MetricsPush:
    way = way_to(Destination("metrics", f"{receiver.endpoint}/v1/metrics", "http/protobuf"))
    return MetricsPush(way, origin(), metrics.snapshot, metrics, interval_s)


def test_metrics_arrive_every_interval() -> None:
    """Each push has the figures of its moment."""
    metrics = Metrics()
    metrics.add("backtalk.calls", outcome="completed")
    with HttpReceiver() as receiver:
        push = _push(receiver, metrics, 0.01)
        push.start()
        wait_until(lambda: "backtalk.calls" in receiver.metrics)
        metrics.add("backtalk.calls", 4, outcome="completed")
        wait_until(lambda: receiver.metrics["backtalk.calls"].sum.data_points[0].as_int == 5)
        push.stop()


def test_last_figures_are_pushed_on_stop() -> None:
    """Whoever stops before the first interval is over still says what happened."""
    metrics = Metrics()
    metrics.add("backtalk.calls", outcome="completed")
    with HttpReceiver() as receiver:
        push = _push(receiver, metrics, 3600)
        push.start()
        push.stop()
        assert receiver.metrics["backtalk.calls"].sum.is_monotonic


def test_failure_is_counted_and_the_next_push_tells_all() -> None:
    """Nothing is queued while the receiver is away."""
    metrics = Metrics()
    metrics.add("backtalk.calls", outcome="completed")
    with HttpReceiver(lambda _route, _message: 503) as receiver:
        push = _push(receiver, metrics, 0.01)
        push.start()
        wait_until(lambda: len(receiver.tried) > 2)
        receiver.answer = lambda _route, _message: 200
        wait_until(lambda: "backtalk.calls" in receiver.metrics)
        push.stop()
    assert metrics.snapshot().value("backtalk.export.failed", exporter="otlp_metrics") >= 2


def test_receiver_without_metrics_is_left_alone() -> None:
    """A missing route ends the pushes."""
    with HttpReceiver(lambda _route, _message: 405) as receiver:
        push = _push(receiver, Metrics(), 0.001)
        push.start()
        wait_until(lambda: not push.running)
        push.stop()
        assert receiver.tried == ["metrics"]
