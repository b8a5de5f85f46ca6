"""CORS around the feedback door.

In: an ASGI app. Out: the same app, for programs and for pages of the allowed origins. The one rule: a page that is not
allowed is refused before anything of its request is read, and told which setting allows it; a form that carries a token
in its own address is let through, since it needs no other authority.
"""

from typing import Final

from backtalk.errors import RequestError
from backtalk.model.asgi import App, Message, Receive, Scope, Send
from backtalk.model.endpoints import FEEDBACK_LINK
from backtalk.model.origins import Origins, is_own
from backtalk.web.cors import Cors, is_preflight, joined

_METHODS: Final = b"GET, HEAD, POST, DELETE"


class CorsDoor:
    """An ASGI app before the feedback door."""

    def __init__(self, app: App, origins: Origins) -> None:
        self._app = app
        self._cors = Cors(origins, methods=_METHODS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or answer the browser's question before it."""
        known = dict(scope["headers"])
        if is_preflight(scope["method"], known):
            await send({"type": "http.response.start", "status": 204, "headers": self._cors.preflight(known)})
            await send({"type": "http.response.body", "body": b""})
            return
        ours = self._cors.fields(known)

        async def with_cors(message: Message) -> None:
            if ours and message["type"] == "http.response.start":
                message = {**message, "headers": joined(list(message["headers"]), ours)}
            await send(message)

        if self._is_foreign(known) and not scope["path"].startswith(FEEDBACK_LINK):
            message = "pages of this origin may not give feedback; allow it in feedback.allowed_origins"
            raise RequestError(message, code="origin_not_allowed", status=403)
        await self._app(scope, receive, with_cors)

    def _is_foreign(self, known: dict[bytes, bytes]) -> bool:
        origin = known.get(b"origin")
        return origin is not None and not (self._cors.origins.lists(origin) or is_own(origin, known.get(b"host", b"")))
