"""The raw lane: the ASGI app that sends calls on to an OpenAI-compatible upstream, byte for byte.

In: an ASGI request under /v1. Out: the upstream's response. The one rule: nothing is parsed or re-serialised; dropped
are hop-by-hop fields only, set are host, trace context and, where configured, the upstream's key.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from backtalk import clock
from backtalk.errors import BacktalkError, RequestError, UpstreamError
from backtalk.model.frames import Outcome
from backtalk.model.notes import NOTES, CallNotes
from backtalk.relay import failures
from backtalk.relay.fields import RequestFields, response_fields, target_of
from backtalk.relay.upstream import Upstream, UpstreamExchange, UpstreamRequest
from backtalk.relay.watch import Watch, Watcher
from backtalk.settings import Settings

Scope = MutableMapping[str, Any]
"""An ASGI scope."""
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
"""How the client's events come."""
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
"""How events go to the client."""

_PREFIX: Final = b"/v1"


class RawLane:
    """Serves any request under /v1. An error before the response's head is raised; after it the response stays open."""

    def __init__(self, upstream: Upstream, settings: Settings) -> None:
        self._upstream = upstream
        self._limits = settings.relay
        key = settings.upstream_api_key
        authorization = None if key is None else b"Bearer " + key.get_secret_value().encode()
        self._fields = RequestFields(authorization=authorization, trace=settings.relay.forward_trace_context)
        self._watcher = Watcher(settings.relay)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Relay one call."""
        notes: CallNotes = scope.get(NOTES) or CallNotes("", "")
        notes.upstream = self._upstream.target.name
        relayed = _Relayed(notes, send)
        try:
            await self._relay(scope, receive, relayed)
        except failures.ClientGoneError:
            notes.fail("client_disconnected")
        except BacktalkError as error:
            notes.fail(_outcome(error), error.code)
            if not relayed.started:
                raise

    async def aclose(self) -> None:
        """Stop what watches."""
        await self._watcher.aclose()

    async def _relay(self, scope: Scope, receive: Receive, relayed: "_Relayed") -> None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        target = target_of(scope["raw_path"], scope["query_string"], prefix=_PREFIX, base=self._upstream.target.base)
        length = dict(headers).get(b"content-length")
        if length is not None and int(length) > self._limits.body_limit_bytes:
            raise failures.body_too_large(self._limits.body_limit_bytes)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise failures.ClientGoneError
        body: bytes = message.get("body", b"")
        more: bool = message.get("more_body", False)
        if len(body) > self._limits.body_limit_bytes:
            raise failures.body_too_large(self._limits.body_limit_bytes)
        notes = relayed.notes
        fields = self._fields(headers, traceparent=notes.traceparent, tracestate=notes.tracestate)
        request = UpstreamRequest(
            scope["method"].encode("ascii"), target, fields, None if more else body, length is not None
        )
        watch = self._watcher.start(receive, size=len(body), uploading=more)
        try:
            await self._exchange(request, body if more else b"", watch, relayed)
        except asyncio.CancelledError:
            if watch.error is None:
                raise
            if (task := asyncio.current_task()) is not None:
                task.uncancel()
            raise watch.error from None
        finally:
            watch.stop()

    async def _exchange(self, request: UpstreamRequest, first: bytes, watch: Watch, relayed: "_Relayed") -> None:
        relayed.notes.asked_ns = clock.monotonic_ns()
        exchange = await self._upstream.send(request)
        try:
            if first:
                await exchange.write(first, more=True)
            watch.attach(exchange)
            await exchange.head()
            relayed.notes.answered_ns = clock.monotonic_ns()
            await relayed.respond(exchange)
        finally:
            exchange.release()


class _Relayed:
    """The response on its way to the client."""

    __slots__ = ("_send", "notes", "started")

    def __init__(self, notes: CallNotes, send: Send) -> None:
        self.notes = notes
        self._send = send
        self.started = False

    async def respond(self, exchange: UpstreamExchange) -> None:
        """Send head and pieces as they come; an empty piece sends the head off where the body is not there yet."""
        self.started = True
        send = self._send
        headers = response_fields(exchange.fields)
        await send({"type": "http.response.start", "status": exchange.status, "headers": headers})
        if not exchange.ready:
            await send({"type": "http.response.body", "body": b"", "more_body": True})
        more = True
        while more:
            piece = await exchange.piece()
            more = not exchange.ended
            await send({"type": "http.response.body", "body": piece, "more_body": more})


def _outcome(error: BacktalkError) -> Outcome:
    if isinstance(error, UpstreamError):
        return "upstream_timeout" if failures.is_timeout(error) else "upstream_error"
    return "rejected" if isinstance(error, RequestError) else "failed"
