"""What a process knows of its targets."""

import pytest

from backtalk.relay.lane import Lane
from backtalk.relay.plan import Failure
from backtalk.relay.targets import Targets
from backtalk.settings.routes import TargetSettings
from backtalk.telemetry import Metrics


@pytest.fixture
def metrics() -> Metrics:
    """A registry."""
    return Metrics("test")


def counted(metrics: Metrics, name: str) -> dict[str, float]:
    """Values of a counter by the labels' values."""
    points = metrics.snapshot().points.get(name, ())
    return {"/".join(str(value) for _, value in sorted(point.labels)): point.value for point in points}


def test_attempts_are_counted_and_failures_make_a_target_rest(metrics: Metrics) -> None:
    """Results are counted by target; a rest is counted once."""
    lanes: dict[str, Lane] = {}
    targets = Targets({"a": TargetSettings(url="http://x", cooldown_after=2)}, lanes, metrics)
    targets.begin("a")
    assert targets.health["a"].in_flight == 1
    for now_s in (1.0, 2.0, 3.0):
        targets.failed("a", Failure("status_503"), now_s)
    targets.end("a")
    assert targets.health["a"] == (0, 3, 13.0)
    targets.succeeded("a")
    assert targets.health["a"] == (0, 0, 0.0)
    assert counted(metrics, "backtalk.route.attempts") == {"status_503/a": 3, "answered/a": 1}
    assert counted(metrics, "backtalk.route.cooldowns") == {"a": 1}
