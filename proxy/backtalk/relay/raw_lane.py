"""The raw lane: the ASGI app that sends calls on to an OpenAI-compatible upstream, byte for byte.

In: an ASGI request of a model API. Out: the upstream's response. The one rule: nothing is parsed or re-serialised;
dropped are hop-by-hop fields only, set are host, trace context and, where configured, the upstream's key.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from backtalk import clock
from backtalk.errors import BacktalkError, RequestError, UpstreamError
from backtalk.model.frames import Outcome
from backtalk.model.notes import NOTES, CallNotes
from backtalk.relay import failures
from backtalk.relay.fields import RequestFields, check, credential_field, response_fields, target_of
from backtalk.relay.upstream import Upstream, UpstreamRequest
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
    """Serves any call. An error before the response's head is raised; after it the response stays open."""

    def __init__(self, upstream: Upstream, settings: Settings, *, key_header: bytes = b"authorization") -> None:
        self._upstream = upstream
        self._name = upstream.target.name
        self._base = upstream.target.base
        self._limit_bytes = settings.relay.body_limit_bytes
        key = settings.upstream_api_key
        credential = None if key is None else credential_field(key_header, key.get_secret_value())
        self._fields = RequestFields(credential=credential, trace=settings.relay.forward_trace_context)
        self._watcher = Watcher(settings.relay)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Relay one call."""
        notes: CallNotes = scope.get(NOTES) or CallNotes("", "")
        notes.upstream = self._name
        try:
            await self._relay(scope, receive, send, notes)
        except failures.ClientGoneError:
            notes.fail("client_disconnected")
        except BacktalkError as error:
            notes.fail(_outcome(error), error.code)
            if notes.answered_ns is None:
                raise

    async def aclose(self) -> None:
        """Stop what watches."""
        await self._watcher.aclose()

    async def _relay(self, scope: Scope, receive: Receive, send: Send, notes: CallNotes) -> None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        target = target_of(scope["raw_path"], scope["query_string"], prefix=_PREFIX, base=self._base)
        known = dict(headers)
        check(scope["method"], known)
        length = known.get(b"content-length")
        self._bound(0 if length is None else int(length))
        message = await receive()
        if message["type"] == "http.disconnect":
            raise failures.ClientGoneError
        body: bytes = message.get("body", b"")
        more: bool = message.get("more_body", False)
        self._bound(len(body))
        fields = self._fields(headers, traceparent=notes.traceparent, tracestate=notes.tracestate)
        method = scope["method"].encode("ascii")
        request = UpstreamRequest(method, target, fields, None if more else body, length is not None)
        watch = self._watcher.start(receive, size=len(body), uploading=more)
        try:
            await self._exchange(request, body if more else b"", watch, send, notes)
        except asyncio.CancelledError:
            if watch.error is None:
                raise
            if (task := asyncio.current_task()) is not None:
                task.uncancel()
            raise watch.error from None
        finally:
            watch.stop()

    async def _exchange(
        self, request: UpstreamRequest, first: bytes, watch: Watch, send: Send, notes: CallNotes
    ) -> None:
        notes.asked_ns = clock.monotonic_ns()
        exchange = await self._upstream.send(request)
        try:
            if first:
                await exchange.write(first, more=True)
            watch.attach(exchange)
            await exchange.head()
            notes.answered_ns = clock.monotonic_ns()
            headers = response_fields(exchange.fields)
            await send({"type": "http.response.start", "status": exchange.status, "headers": headers})
            if not exchange.ready:  # an empty piece sends the head off
                await send({"type": "http.response.body", "body": b"", "more_body": True})
            more = True
            while more:
                piece = await exchange.piece()
                more = not exchange.ended
                await send({"type": "http.response.body", "body": piece, "more_body": more})
        finally:
            exchange.release()

    def _bound(self, size_bytes: int) -> None:
        if size_bytes > self._limit_bytes:
            raise failures.body_too_large(self._limit_bytes)


def _outcome(error: BacktalkError) -> Outcome:
    if isinstance(error, UpstreamError):
        return "upstream_timeout" if failures.is_timeout(error) else "upstream_error"
    return "rejected" if isinstance(error, RequestError) else "failed"
