"""Backtalk around any ASGI app: ids and records without an extra hop.

    app = Backtalk(app, data_dir="backtalk-data")

In: an app that serves a model API under /v1. Out: the same app, observed; a worker over its data directory does the
rest. The one rule: the app's own lifespan runs inside ours, and its failure is its own.
"""

from pathlib import Path
from typing import Any

from backtalk.installation import secret
from backtalk.model.asgi import App, Message, Receive, Scope, Send
from backtalk.observe.middleware import Observe
from backtalk.settings import Settings, load
from backtalk.spool.spool import Spool
from backtalk.telemetry.metrics import Metrics
from backtalk.web.problems import answer


class Backtalk:
    """Wraps an ASGI app; keyword arguments are top-level settings and go before file and environment."""

    def __init__(self, app: App, data_dir: str | Path | None = None, **settings: Any) -> None:
        self._app = app
        self._settings: Settings = load(overrides={**settings, "data_dir": data_dir})
        self._metrics = Metrics("asgi")
        self._spool: Spool | None = None
        self._observed: App | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        app = self._observed or self._open()
        await app(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open before the app starts, close after it has stopped."""

        async def starting() -> Message:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._open()
            return message

        try:
            await self._app(scope, starting, send)
        finally:
            await self._close()

    def _open(self) -> App:
        """Open the spool; also at the first request, where a server knows no lifespan."""
        if self._observed is None:
            directory = self._settings.data_dir
            own = secret(directory)
            self._spool = Spool.open(directory / "spool", self._settings.spool, metrics=self._metrics)
            self._observed = Observe(
                self._app,
                sink=self._spool,
                secret=own,
                settings=self._settings,
                metrics=self._metrics,
                answer=answer,
            )
        return self._observed

    async def _close(self) -> None:
        spool, self._spool, self._observed = self._spool, None, None
        if spool is not None:
            await spool.aclose()
