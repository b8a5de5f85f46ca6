"""The outermost thing there is: a pure ASGI middleware that gives every response its ids and copies every call.

In: any ASGI app. Out: the same app, observed. It adapts ASGI's messages to `call.Call`, which does the work. The one
rule: bytes pass unchanged and at once; only header fields are added, and only a crash of the app is answered here.
"""

import logging
from collections.abc import Callable
from typing import Final

from backtalk.errors import BacktalkError
from backtalk.model.asgi import App, Message, Receive, Scope, Send
from backtalk.model.endpoints import is_call
from backtalk.model.exchange import RequestHead
from backtalk.model.frames import Outcome
from backtalk.model.meter import Meter
from backtalk.model.notes import NOTES, CallNotes
from backtalk.observe.call import Call, Observer, Sink
from backtalk.observe.context import CallContext, context_of
from backtalk.observe.headers import Fields, with_ids
from backtalk.observe.socket_passage import SocketPassage
from backtalk.observe.tenants import Owner
from backtalk.settings import Settings

Answer = Callable[[BaseException, str, str], tuple[int, list[tuple[bytes, bytes]], bytes]]
"""Makes status, header fields and body of an error under a trace id, for a path."""

_log: Final = logging.getLogger(__name__)


class Observe:
    """Wraps an ASGI app. `answer` makes the bodies of crashes (`web.problems` in the proxy)."""

    def __init__(
        self,
        app: App,
        *,
        sink: Sink,
        secret: bytes,
        settings: Settings,
        metrics: Meter,
        answer: Answer,
        owner: Owner = None,
    ) -> None:
        self._app = app
        self._answer = answer
        self.observer = Observer(sink=sink, secret=secret, settings=settings, metrics=metrics, owner=owner)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope: HTTP, and the WebSockets that are calls; anything else passes untouched."""
        if scope["type"] != "http" and not (scope["type"] == "websocket" and is_call(scope["path"])):
            await self._app(scope, receive, send)
            return
        context = context_of(scope["headers"])
        notes = CallNotes(context.traceparent, context.tracestate)
        scope[NOTES] = notes
        call = Call(self.observer, _head(scope), context, notes) if is_call(scope["path"]) else None
        if scope["type"] == "websocket" and call is not None:
            await SocketPassage(self._app, call, receive, send).run(scope)
            return
        await _Passage(self._app, self._answer, context, call, receive, send).run(scope)


class _Passage:
    """One request on its way through: ASGI's events on both sides, the call in the middle."""

    __slots__ = ("_answer", "_app", "_call", "_context", "_path", "_receive", "_send", "complete", "gone", "started")

    def __init__(
        self, app: App, answer: Answer, context: CallContext, call: Call | None, receive: Receive, send: Send
    ) -> None:
        self._app = app
        self._answer = answer
        self._context = context
        self._call = call
        self._receive = receive
        self._send = send
        self._path = ""
        self.started = self.complete = self.gone = False

    async def run(self, scope: Scope) -> None:
        """Run the app; whatever happens, the call is closed once."""
        self._path = scope["path"]
        try:
            await self._app(scope, self.receive, self.send)
        except Exception as error:  # noqa: BLE001 - the app may be anybody's: its crash is answered and recorded
            await self._crashed(error)
        except BaseException:
            self._close("client_disconnected" if self.gone else "failed", "cancelled")
            raise
        if not self.complete:
            self._close("client_disconnected" if self.gone else "failed", "the response was not completed")

    async def receive(self) -> Message:
        """Pass an event in; copy bodies, notice a client that leaves before its answer is complete."""
        message = await self._receive()
        if message["type"] == "http.request":
            if self._call is not None:
                self._call.request_piece(message.get("body", b""), more=message.get("more_body", False))
        elif not self.complete:
            self.gone = True
        return message

    async def send(self, message: Message) -> None:
        """Pass an event out; ids on the head, a copy of the body; the call ends with its last byte."""
        call, body = self._call, message["type"] == "http.response.body"
        if body:
            if call is not None:
                call.response_piece(message.get("body", b""))
        elif message["type"] == "http.response.start":
            self.started = True
            message = {**message, "headers": self._head_fields(message)}
        try:
            await self._send(message)
        except OSError:
            self.gone = True
            raise
        if body and not message.get("more_body", False):
            self.complete = True
            self._close("client_disconnected" if self.gone else "completed", None)

    def _head_fields(self, message: Message) -> Fields:
        headers = list(message.get("headers", ()))
        if self._call is None:
            return with_ids(headers, self._context)
        return self._call.response_head(message["status"], headers)

    async def _crashed(self, error: Exception) -> None:
        if self.gone:
            self._close("client_disconnected", None)
            return
        if not isinstance(error, BacktalkError):
            _log.error("request failed", extra={"trace_id": self._context.trace_id}, exc_info=error)
        elif self._call is not None and error.status < 500:
            self._call.notes.fail("rejected", error.code)
        if not self.started:
            await self._answer_crash(error)
        self._close("failed", error.code if isinstance(error, BacktalkError) else type(error).__name__)

    async def _answer_crash(self, error: Exception) -> None:
        if self._call is not None:
            self._call.notes.fail("failed", type(error).__name__)
        status, headers, body = self._answer(error, self._context.trace_id, self._path)
        try:
            await self.send({"type": "http.response.start", "status": status, "headers": headers})
            await self.send({"type": "http.response.body", "body": body})
        except OSError:
            self._close("client_disconnected", None)

    def _close(self, outcome: Outcome, error: str | None) -> None:
        if self._call is not None:
            self._call.close(outcome, error)


def _head(scope: Scope) -> RequestHead:
    client, fields = scope.get("client"), list(scope["headers"])
    return RequestHead(
        method=scope.get("method", "GET"),
        path=scope["path"],
        raw_path=scope.get("raw_path") or scope["path"].encode(),
        query=scope.get("query_string", b""),
        fields=fields,
        known=dict(fields),
        client=client[0] if client else "",
    )
