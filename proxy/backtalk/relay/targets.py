"""The targets of a process: their settings, their lanes, and how they do.

In: what attempts tell. Out: the health that the plan decides by. The one rule: all state about targets is here, one
frozen value each, in memory; processes do not share it.
"""

from collections.abc import Mapping
from typing import Final

from backtalk.model.meter import Meter
from backtalk.relay import plan
from backtalk.relay.lane import Lane
from backtalk.settings.routes import TargetSettings


class Targets:
    """Every target by its name."""

    def __init__(self, settings: Mapping[str, TargetSettings], lanes: Mapping[str, Lane], metrics: Meter) -> None:
        self.settings: Final = settings
        self.lanes: Final = lanes
        self._metrics = metrics
        self._health: dict[str, plan.Health] = {name: plan.Health() for name in settings}

    @property
    def health(self) -> Mapping[str, plan.Health]:
        """How each does now."""
        return self._health

    def begin(self, name: str) -> None:
        """An attempt begins."""
        health = self._health[name]
        self._health[name] = health._replace(in_flight=health.in_flight + 1)

    def end(self, name: str) -> None:
        """An attempt is over."""
        health = self._health[name]
        self._health[name] = health._replace(in_flight=health.in_flight - 1)

    def succeeded(self, name: str) -> None:
        """The target answers."""
        self._health[name] = plan.succeeded(self._health[name])
        self._metrics.add("backtalk.route.attempts", target=name, result="answered")

    def failed(self, name: str, failure: plan.Failure, now_s: float) -> None:
        """The target failed; it may rest from now on."""
        before = self._health[name]
        after = plan.failed(before, failure, self.settings[name], now_s=now_s)
        self._health[name] = after
        self._metrics.add("backtalk.route.attempts", target=name, result=failure.error)
        if before.rests_until_s <= now_s < after.rests_until_s:
            self._metrics.add("backtalk.route.cooldowns", target=name)
