"""Opens what a process needs to send calls on: the one upstream, or a router before the lanes of all targets.

In: settings. Out: one lane for the door. The one rule: without routes the raw lane is that lane itself, so that a call
pays nothing for what it does not use.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from pydantic import SecretStr

from backtalk.model.meter import Meter
from backtalk.relay.http_client import HttpClient
from backtalk.relay.lane import Lane
from backtalk.relay.litellm_lane import Library, LitellmLane
from backtalk.relay.raw_lane import RawLane
from backtalk.relay.router import Router
from backtalk.relay.routes import Routes
from backtalk.relay.targets import Targets
from backtalk.relay.upstream import parse_target
from backtalk.settings import Settings
from backtalk.settings.routes import TargetSettings

_LIMITS: Final = ("connect_timeout_s", "idle_timeout_s", "total_timeout_s")


class Lanes:
    """All lanes of a process; made inside a running loop. `lane` takes every call; `keys` are those of targets."""

    def __init__(self, settings: Settings, keys: Mapping[str, str], metrics: Meter) -> None:
        self._keys = keys
        self._litellm: Library | None = None
        self._routed: Router | None = None
        self._closers: list[Callable[[], Awaitable[None]]] = []
        default = self._raw(settings.upstream, settings)
        self.lane: Lane = self._router(settings, default, metrics) if settings.routes else default

    def forget(self) -> None:
        """Forget the answers that are kept for others who ask the same."""
        if self._routed is not None:
            self._routed.forget()

    async def aclose(self) -> None:
        """Close what was opened, last first."""
        while self._closers:
            await self._closers.pop()()

    def _router(self, settings: Settings, default: Lane, metrics: Meter) -> Lane:
        lanes = {name: self._lane(name, target, settings) for name, target in settings.targets.items()}
        targets = Targets(settings.targets, lanes, metrics)
        header = settings.session.header
        self._routed = Router(Routes(settings.routes), targets, default, settings.relay, session_header=header)
        return self._routed.serve

    def _lane(self, name: str, target: TargetSettings, settings: Settings) -> Lane:
        key = self._keys.get(name)
        own = settings_for(settings, target, key)
        if target.lane == "litellm":
            lane = LitellmLane(self._library(), target, key, own.relay)
            self._closers.append(lane.aclose)
            return lane.serve
        header = target.api_key_header.encode()
        return self._raw(target.url or "", own, key_header=header, client_key=target.client_key)

    def _library(self) -> Library:
        """One library for all lanes; nothing is loaded before the first call."""
        if self._litellm is None:
            self._litellm = Library()
            self._closers.append(self._litellm.aclose)
        return self._litellm

    def _raw(
        self, url: str, settings: Settings, *, key_header: bytes = b"authorization", client_key: bool = True
    ) -> Lane:
        client = HttpClient(parse_target(url), settings.relay)
        lane = RawLane(client, settings, key_header=key_header, client_key=client_key)
        self._closers += (client.aclose, lane.aclose)
        return lane.serve


def settings_for(settings: Settings, target: TargetSettings, key: str | None) -> Settings:
    """The settings as one target sees them: its own key and limits in place of the general ones."""
    limits = {name: value for name in _LIMITS if (value := getattr(target, name)) is not None}
    relay = settings.relay.model_copy(update=limits)
    return settings.model_copy(update={"relay": relay, "upstream_api_key": None if key is None else SecretStr(key)})
