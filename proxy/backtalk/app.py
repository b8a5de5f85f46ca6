"""The composition root: the one place where rooms that do not know each other are put together.

In: settings, and what a process has opened. Out: ASGI apps. The one rule: nothing is decided here.
"""

from backtalk.errors import RequestError
from backtalk.model.asgi import Receive, Scope, Send
from backtalk.model.endpoints import FEEDBACK_SCRIPT, is_call, is_reserved
from backtalk.model.exchange import Serve
from backtalk.model.meter import Meter
from backtalk.model.origins import Origins
from backtalk.observe.call import Sink
from backtalk.observe.calls import ObservedCalls
from backtalk.observe.middleware import Observe
from backtalk.relay.browsers import from_programs
from backtalk.relay.gate import VirtualKeys, gated
from backtalk.relay.lanes import Lanes
from backtalk.settings import Settings, target_keys
from backtalk.web.cors_calls import with_cors
from backtalk.web.cors_door import CorsDoor, Door
from backtalk.web.problems import answer
from backtalk.web.script import FeedbackScript


class PublicApp:
    """The public listener: the model API through the relay, feedback at its door, everything of it observed.

    What is a call or feedback is taken by `calls`; the rest, and the lifespan, is ASGI.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        feedback_door: Door,
        sink: Sink,
        secret: bytes,
        metrics: Meter,
        virtual_keys: VirtualKeys | None = None,
    ) -> None:
        self._settings = settings
        self._virtual_keys = virtual_keys
        self._keys = target_keys(settings)
        self._metrics = metrics
        self._feedback = CorsDoor(feedback_door, _feedback_origins(settings), metrics).serve
        self._script = FeedbackScript()
        owner = None if virtual_keys is None else virtual_keys.ring.owner
        self._observe = Observe(
            self._door, sink=sink, secret=secret, settings=settings, metrics=metrics, answer=answer, owner=owner
        )
        self._serve: Serve | None = None
        self._lanes: Lanes | None = None

    def calls(self, path: str) -> Serve | None:
        """Who answers on this path: calls within the app's life, and feedback; None for anything else."""
        if is_call(path):
            return self._serve
        return self._feedback if is_reserved(path) and path != FEEDBACK_SCRIPT else None

    def forget(self) -> None:
        """Forget what of answers is in memory: somebody's texts are being erased."""
        if self._lanes is not None:
            self._lanes.forget()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that is no call, or one life of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._observe(scope, receive, send)

    async def _door(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == FEEDBACK_SCRIPT:
            await self._script(scope, receive, send)
        elif scope["type"] == "http":
            raise RequestError("there is nothing here; the model API is under /v1/", code="unknown_url", status=404)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        lanes = self._lanes = Lanes(self._settings, self._keys, self._metrics)
        lane = from_programs(lanes.lane, self._settings)
        if self._virtual_keys is not None:
            lane = gated(lane, self._virtual_keys, self._settings)
        observed = ObservedCalls(self._observe.observer, lane, answer).serve
        self._serve = with_cors(observed, Origins(self._settings.web.allowed_origins))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await lanes.aclose()
        await send({"type": "lifespan.shutdown.complete"})


def _feedback_origins(settings: Settings) -> Origins:
    """Pages that may make calls may speak of them too."""
    return Origins((*settings.feedback.allowed_origins, *settings.web.allowed_origins))
