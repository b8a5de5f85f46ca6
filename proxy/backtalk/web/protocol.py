"""The HTTP/1.1 server protocol: bounded heads, pipelining, keep-alive, refusals in OpenAI's shape.

In: bytes of a client. Out: requests, one after the other, to whoever answers calls, else to the ASGI app. The one rule:
every answer that leaves here carries ids and comes in its turn, also where the parser refuses before anyone is asked.
"""

import asyncio
import logging
from collections import deque
from functools import partial
from typing import Any, Final, cast

import httptools
import uvicorn
from uvicorn._types import ASGI3Application
from uvicorn.server import ServerState

from backtalk.errors import BacktalkError
from backtalk.model.exchange import Calls, Fields, wants_websocket
from backtalk.web.asgi_app import AsgiExchange
from backtalk.web.body_only import BodyOnly, Unread, head_for_body
from backtalk.web.crowd import ANY, Crowd
from backtalk.web.cycle import Cycle
from backtalk.web.heads import HEAD_LIMIT_BYTES, endless, head_of, unserved
from backtalk.web.idle import Idle, close
from backtalk.web.known_heads import KnownHeads
from backtalk.web.refusals import refusal, unreadable

_log: Final = logging.getLogger(__name__)
_LINGER_S: Final = 2.0


class Protocol(asyncio.Protocol):
    """One client connection; uvicorn makes it, and ends it by `shutdown`."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        app: ASGI3Application,
        known_heads: KnownHeads,
        calls: Calls | None = None,
        crowd: Crowd = ANY,
    ) -> None:
        self.loop = _loop or asyncio.get_running_loop()
        self.writable = self._reading = True
        self.transport: asyncio.Transport
        self._calls, self._known_heads, self._crowd = calls, known_heads, crowd
        self._app, self._app_state, self._server = app, app_state, server_state
        self._parser = httptools.HttpRequestParser(self)
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._peer: tuple[str, int] | None = None
        self._cycle: Cycle | None = None  # the request that came last: whose body comes
        self._answering: Cycle | None = None
        self._waiting: deque[Cycle] = deque()
        self._target, self._fields = b"", Fields()
        self._fed_bytes = self._feeding_bytes = 0
        self._in_head = self._in_body = self._upgrading = False
        self._refused: BacktalkError | None = None
        self._farewell: bytes | None = None
        """The last thing to be said here; nothing more is read once it is set."""
        self.patience_s: float = config.timeout_keep_alive
        self._lingering: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come; it has to say something."""
        self.transport = cast("asyncio.Transport", transport)
        self._server.connections.add(cast("Any", self))
        peer: object = transport.get_extra_info("peername")
        self._peer = cast("tuple[str, int]", peer)[:2] if isinstance(peer, tuple) else None
        self._client = self._peer[0] if self._peer else ""
        head, end = (lambda: self._fields if self._in_head else None), partial(close, self.transport)
        self._idle = Idle(self.loop, self.patience_s, head, end, abort=self.transport.abort)
        farewell = self._crowd.farewell(len(self._server.connections))
        if farewell is None:
            self._idle.begin()
        else:
            self.linger(farewell) if farewell else self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parse; what the parser refuses is answered after the responses that are due before it."""
        if self._farewell is not None:
            return
        message = None if self._in_head or self._in_body or self._answering else KnownHeads.message(data)
        if message is not None and (known := self._known_heads.find(message, self._client)):
            self._take(Cycle(self, known.head, keep_alive=known.keep_alive))
            self.on_body(message.body)
            self.on_message_complete()
            return
        was_in_head = self._in_head
        self._feeding_bytes = self._fed_bytes + len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(self._refused or unreadable(error, in_body=self._in_body))
        else:
            if self._in_body or (was_in_head and self._in_head):
                self._fed_bytes = self._feeding_bytes
                if self._fed_bytes > HEAD_LIMIT_BYTES:  # of a head, trailers or extensions of chunks
                    self._refuse(endless())
            elif message is not None and self._cycle is not None:
                self._known_heads.learn(message, self._cycle.head, keep_alive=self._cycle.keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why is the same to us
        """The client has left, or we have."""
        self._server.connections.discard(cast("Any", self))
        self._idle.stop()
        if self._lingering is not None:
            self._lingering.cancel()
        self.writable = True
        self._waiting.clear()
        if self._answering is not None:
            self._answering.leave()

    def pause_writing(self) -> None:
        """The client takes no more for now."""
        self.writable = False
        self._idle.stall.begin()

    def resume_writing(self) -> None:
        """The client takes bytes again."""
        self.writable = True
        self._idle.stall.end()
        if self._answering is not None:
            self._answering.flow()

    def shutdown(self) -> None:
        """The server ends: no request is taken after those that are here."""
        if self._cycle is None or self._cycle.complete:
            self.transport.close()
        else:
            self._cycle.keep_alive = False

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head, self._fed_bytes, self._target, self._fields = True, 0, b"", []

    def on_url(self, url: bytes) -> None:
        """A part of the request target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header field, or a trailer, for which nobody looks."""
        self._fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is whole: answer the request, or queue it behind the one before."""
        head = head_of(self._parser, self._target, self._fields, self._client)
        self._refused = unserved(head, self._feeding_bytes, waiting=len(self._waiting))
        if self._refused is not None:
            raise self._refused
        self._feeding_bytes, self._fields = 0, []
        self._in_head, self._upgrading = False, self._parser.should_upgrade()
        keep_alive = head.http_version != "1.0" and self._parser.should_keep_alive()
        self._take(Cycle(self, head, keep_alive=keep_alive))

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._feeding_bytes = 0
        if self._cycle is not None:
            self._cycle.feed(body)

    def on_message_complete(self) -> None:
        """The body is whole."""
        if not self._upgrading and self._cycle is not None:
            self._in_body = False
            self._cycle.feed_end()

    def read(self, *, on: bool) -> None:
        """Read on from the client, or not for now."""
        if on is not self._reading and not self.transport.is_closing():
            self._reading = on
            self.transport.resume_reading() if on else self.transport.pause_reading()

    def completed(self) -> None:
        """A response is out: now the next one, or the refusal that waited for it."""
        self._answering = None
        self._server.total_requests += 1
        if self.transport.is_closing():
            return
        self.read(on=True)
        if self._waiting:
            self._begin(self._waiting.popleft())
        elif self._farewell:
            self.linger(self._farewell)
        else:
            self._idle.begin()

    def linger(self, last: bytes = b"") -> None:
        """Say the last thing and close so that the client can read it: a close with bytes unread would reset it."""
        self._farewell = b""
        if not self.transport.is_closing() and self._lingering is None:
            self.transport.write(last)
            self.transport.write_eof()
            self.read(on=True)
            self._lingering = self.loop.call_later(_LINGER_S, self.transport.abort)

    def _take(self, cycle: Cycle) -> None:
        """Answer a request, or queue it behind the one before."""
        self._in_body, self._cycle = True, cycle
        if self._answering is None:
            self._begin(cycle)
        else:
            self.read(on=False)
            self._waiting.append(cycle)

    def _begin(self, cycle: Cycle) -> None:
        self._answering = cycle
        self._idle.end()
        cycle.task = self.loop.create_task(self._answer(cycle))
        self._server.tasks.add(cycle.task)

    async def _answer(self, cycle: Cycle) -> None:
        """Have a request answered to its end, and end the response with it."""
        serve = self._calls(cycle.head.path) if self._calls is not None else None
        try:
            if serve is not None:
                await serve(cycle)
            else:
                await AsgiExchange(cycle, peer=self._peer).run(self._app, self._app_state)
        except BaseException as error:  # noqa: BLE001 - the server goes on whatever an app does
            _log.error("request failed", exc_info=error)
        finally:
            cycle.end()
            self._server.tasks.discard(cast("asyncio.Task[None]", cycle.task))

    def _upgrade(self, rest: bytes) -> None:
        """Give a WebSocket all bytes from here on; any other wish (h2c) is answered, its body read anew."""
        cycle = cast("Cycle", self._cycle)
        cycle.keep_alive = self._upgrading = False
        if self._calls is not None and self._calls(cycle.head.path) and wants_websocket(cycle.head):
            self._parser, self._in_body = cast("httptools.HttpRequestParser", Unread(cycle.feed)), False
        else:
            self._parser = httptools.HttpRequestParser(BodyOnly(self.on_body, self.on_message_complete))
            rest = head_for_body(cycle.head) + rest
        self.data_received(rest)

    def _refuse(self, error: BacktalkError) -> None:
        if self._cycle is None or (self._cycle.complete and not self._waiting):
            self.linger(refusal(error))
        elif self._in_body:
            self._farewell = b""
            self._cycle.refuse(error)
        else:
            self._farewell = refusal(error)
