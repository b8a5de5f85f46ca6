"""The raw lane: sends calls on to an OpenAI-compatible upstream, byte for byte.

In: a client's call. Out: the upstream's response. The one rule: nothing is parsed or re-serialised;
dropped are hop-by-hop fields only, set are host, trace context and, where configured, the upstream's key.
"""

import asyncio
from typing import Final, NamedTuple

from backtalk import clock
from backtalk.errors import BacktalkError, RequestError, UpstreamError
from backtalk.model.exchange import ClientExchange, ClientGoneError, RequestHead, wants_websocket
from backtalk.model.frames import Outcome
from backtalk.model.notes import CallNotes
from backtalk.relay import failures
from backtalk.relay.fields import RequestFields, check, credential_field, response_fields, target_of
from backtalk.relay.tunnel import Tunnel
from backtalk.relay.upstream import Upstream, UpstreamRequest
from backtalk.relay.watch import Watch, Watcher
from backtalk.settings import Settings

_PREFIX: Final = b"/v1"


class RawLane:
    """Serves any call. An error before the response's head is raised; after it the response stays open."""

    def __init__(
        self,
        upstream: Upstream,
        settings: Settings,
        *,
        key_header: bytes = b"authorization",
        client_key: bool = True,
    ) -> None:
        self._upstream = upstream
        self._name = upstream.target.name
        self._base = upstream.target.base
        self._limit_bytes = settings.relay.body_limit_bytes
        key = settings.upstream_api_key
        credential = None if key is None else credential_field(key_header, key.get_secret_value())
        trace = settings.relay.forward_trace_context
        self._fields = RequestFields(credential=credential, trace=trace, client_key=client_key)
        self._watcher = Watcher(settings.relay)
        self._tunnel = Tunnel(upstream.target, settings.relay, self._fields, replaces_key=credential is not None)

    async def serve(self, client: ClientExchange, notes: CallNotes) -> None:
        """Relay one call."""
        notes.upstream = self._name
        try:
            await self._relay(client, notes)
        except ClientGoneError:
            notes.fail("client_disconnected")
        except BacktalkError as error:
            notes.fail(_outcome(error), error.code)
            if notes.answered_ns is None:
                raise

    async def aclose(self) -> None:
        """Stop what watches."""
        await self._watcher.aclose()
        await self._tunnel.aclose()

    async def _relay(self, client: ClientExchange, notes: CallNotes) -> None:
        head = client.head
        start = head.once(self._start)
        if wants_websocket(head):
            await self._tunnel.serve(client, notes, start.target)
            return
        length = head.known.get(b"content-length")
        self._bound(0 if length is None else int(length))
        body, more = await client.receive()
        self._bound(len(body))
        fields = self._fields.own(length, traceparent=notes.traceparent, tracestate=notes.tracestate)
        request = UpstreamRequest(
            start.method, start.target, fields, None if more else body, framed=length is not None, start=start.data
        )
        watch = self._watcher.start(client, size=len(body), uploading=more)
        try:
            await self._exchange(request, body if more else b"", watch, client, notes)
        except asyncio.CancelledError:
            if watch.error is None:
                raise
            if (task := asyncio.current_task()) is not None:
                task.uncancel()
            raise watch.error from None
        finally:
            watch.stop()

    async def _exchange(
        self, request: UpstreamRequest, first: bytes, watch: Watch, client: ClientExchange, notes: CallNotes
    ) -> None:
        notes.asked_ns = clock.monotonic_ns()
        exchange = await self._upstream.send(request)
        try:
            if first:
                await exchange.write(first, more=True)
            watch.attach(exchange)
            await exchange.head()
            notes.answered_ns = clock.monotonic_ns()
            client.start(exchange.status, response_fields(exchange.fields))
            await exchange.pour(client)
        finally:
            exchange.release()

    def _start(self, head: RequestHead) -> "_Start":
        """What does not change as long as the client's head does not; raises where the call must not be sent on."""
        target = target_of(head.raw_path, head.query, prefix=_PREFIX, base=self._base)
        check(head.method, head.known)
        method = head.method.encode("ascii")
        return _Start(method, target, self._upstream.start_of(method, target, self._fields.lasting(head.fields)))

    def _bound(self, size_bytes: int) -> None:
        if size_bytes > self._limit_bytes:
            raise failures.body_too_large(self._limit_bytes)


class _Start(NamedTuple):
    """The beginning of a request to the upstream."""

    method: bytes
    target: bytes
    data: bytes


def _outcome(error: BacktalkError) -> Outcome:
    if isinstance(error, UpstreamError):
        return "upstream_timeout" if failures.is_timeout(error) else "upstream_error"
    return "rejected" if isinstance(error, RequestError) else "failed"
