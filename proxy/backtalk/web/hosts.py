"""The names by which a listener on loopback may be asked for.

A page of any site can point a name of its own at 127.0.0.1 (DNS rebinding); the browser then takes what we serve for
that site's. In: an app, and further names. Out: the same app for those who asked for this machine.
"""

from collections.abc import Collection

from backtalk.model.asgi import App, Receive, Scope, Send
from backtalk.model.authority import check_host


class OwnHosts:
    """An ASGI app that is served on loopback."""

    def __init__(self, app: App, allowed: Collection[str]) -> None:
        self._app = app
        self._allowed = frozenset(name.lower() for name in allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or raise the `RequestError` that refuses it."""
        if scope["type"] == "http":
            check_host(dict(scope["headers"]).get(b"host", b""), self._allowed)
        await self._app(scope, receive, send)
