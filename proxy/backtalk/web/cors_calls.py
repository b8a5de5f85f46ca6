"""CORS around calls: pages of the origins in `web.allowed_origins` may make them and read their ids.

In: whoever answers calls. Out: the same, with what a browser asks for. The one rule: a call that comes from no page
passes untouched; a browser's question before a call is answered here and is no call.
"""

from collections.abc import Coroutine
from typing import Any, Final

from backtalk.model.exchange import ClientExchange, Fields, Serve
from backtalk.model.origins import Origins
from backtalk.observe.context import context_of
from backtalk.observe.headers import with_ids
from backtalk.web.cors import Cors, is_preflight, joined

_METHODS: Final = b"GET, HEAD, POST, PUT, PATCH, DELETE"


class CorsCalls:
    """Answers calls of programs and of pages."""

    def __init__(self, inner: Serve, origins: Origins) -> None:
        self._inner = inner
        self._cors = Cors(origins, methods=_METHODS)

    def serve(self, client: ClientExchange) -> Coroutine[Any, Any, None]:
        """Have one call answered."""
        known = client.head.known
        origin = known.get(b"origin")
        if origin is None or not self._cors.origins.lists(origin):
            return self._inner(client)
        if is_preflight(client.head.method, known):
            return self._preflight(client)
        return self._inner(_Read(client, self._cors.fields(known)))

    async def _preflight(self, client: ClientExchange) -> None:
        fields = self._cors.preflight(client.head.known)
        client.start(204, with_ids(fields, context_of(client.head.fields)))
        client.write(b"", more=False)


class _Read:
    """A client's exchange whose response a page may read."""

    __slots__ = ("_client", "_cors", "head", "receive", "when_gone", "when_writable", "write")

    def __init__(self, client: ClientExchange, cors: Fields) -> None:
        self._client = client
        self._cors = cors
        self.head = client.head
        self.receive = client.receive
        self.write = client.write
        self.when_gone = client.when_gone
        self.when_writable = client.when_writable

    @property
    def gone(self) -> bool:
        """Whether the client has left."""
        return self._client.gone

    @property
    def writable(self) -> bool:
        """Whether the client takes what is written."""
        return self._client.writable

    def start(self, status: int, fields: Fields) -> None:
        """Begin the response; the upstream's word on who may read it is of other pages."""
        self._client.start(status, joined(fields, self._cors))


def with_cors(inner: Serve, origins: Origins) -> Serve:
    """Calls for pages too; where no origin is allowed, as they are."""
    return CorsCalls(inner, origins).serve if origins else inner
