"""What is opened for which settings."""

import pytest

from backtalk.model.meter import NoMeter
from backtalk.relay.lanes import Lanes, settings_for
from backtalk.relay.raw_lane import RawLane
from backtalk.relay.router import Router
from backtalk.settings import Settings
from backtalk.settings.routes import TargetSettings

TARGETS = {"a": {"url": "http://127.0.0.1:1"}}


@pytest.mark.anyio
@pytest.mark.parametrize(("routes", "lane"), [({}, RawLane), ({"m": {"targets": ["a"]}}, Router)])
async def test_without_routes_there_is_nothing_but_the_raw_lane(routes: dict[str, object], lane: type) -> None:
    """A call pays for routes only where there are some."""
    settings = Settings.model_validate({"targets": TARGETS, "routes": routes})
    lanes = Lanes(settings, {}, NoMeter())
    assert isinstance(getattr(lanes.lane, "__self__", None), lane)
    await lanes.aclose()


def test_a_targets_own_limits_go_before_the_general_ones() -> None:
    """What a target does not say is as for all; the general upstream's key is never a target's."""
    settings = Settings.model_validate({"upstream_api_key": "sk-general", "relay": {"idle_timeout_s": 7.0}})
    target = TargetSettings(url="http://x", connect_timeout_s=1.5, total_timeout_s=3.0)
    own = settings_for(settings, target, "sk-own")
    relay = own.relay
    assert (relay.connect_timeout_s, relay.idle_timeout_s, relay.total_timeout_s) == (1.5, 7.0, 3.0)
    assert own.upstream_api_key is not None
    assert own.upstream_api_key.get_secret_value() == "sk-own"
    assert settings_for(settings, target, None).upstream_api_key is None
