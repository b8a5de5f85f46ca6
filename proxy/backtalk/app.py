"""The composition root: the one place where rooms that do not know each other are put together.

In: settings, and what a process has opened. Out: ASGI apps. The one rule: nothing is decided here.
"""

from backtalk.errors import RequestError
from backtalk.model.endpoints import is_call, is_reserved
from backtalk.model.meter import Meter
from backtalk.observe.call import Sink
from backtalk.observe.middleware import App, Observe, Receive, Scope, Send
from backtalk.relay.lane import Lane
from backtalk.relay.lanes import Lanes
from backtalk.settings import Settings, target_keys
from backtalk.web.problems import answer


def public_app(settings: Settings, *, feedback_app: App, sink: Sink, secret: bytes, metrics: Meter) -> App:
    """The public listener: the model API through the relay, feedback at its door, everything of it observed."""
    inner = _PublicDoor(settings, feedback_app, metrics)
    return Observe(inner, sink=sink, secret=secret, settings=settings, metrics=metrics, answer=answer)


class _PublicDoor:
    """Sends each request where it belongs; opens the upstream client with the lifespan."""

    def __init__(self, settings: Settings, feedback_app: App, metrics: Meter) -> None:
        self._settings = settings
        self._keys = target_keys(settings)
        self._feedback_app = feedback_app
        self._metrics = metrics
        self._lane: Lane | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path = scope["path"]
        if is_reserved(path):
            await self._feedback_app(scope, receive, send)
        elif is_call(path) and self._lane is not None:
            await self._lane(scope, receive, send)
        elif scope["type"] == "http":
            raise RequestError("there is nothing here; the model API is under /v1/", code="unknown_url", status=404)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        lanes = Lanes(self._settings, self._keys, self._metrics)
        self._lane = lanes.lane
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await lanes.aclose()
        await send({"type": "lifespan.shutdown.complete"})
