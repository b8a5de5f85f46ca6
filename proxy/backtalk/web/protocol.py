"""The HTTP/1.1 server protocol: uvicorn's, with bounded heads and refusals in OpenAI's shape.

In: bytes of a client. Out: ASGI calls. The one rule: every answer that leaves here carries ids and comes in its turn,
also where the parser refuses before any app is asked.
"""

import asyncio
from typing import Any, Final, cast
from urllib.parse import unquote

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from backtalk.errors import BacktalkError, RequestError
from backtalk.web.cycle import Cycle
from backtalk.web.refusals import refusal, too_large, unreadable

HEAD_LIMIT_BYTES: Final = 64 * 1024
_HEAD_S: Final = 10.0
_LINGER_S: Final = 2.0


class Protocol(HttpToolsProtocol):
    """One client connection."""

    _fed_bytes = 0
    _feeding_bytes = 0
    _in_head = False
    _in_body = False
    _upgrading = False
    _refused: BacktalkError | None = None
    _farewell: bytes | None = None
    """The last thing to be said here; nothing more is read once it is set."""
    _idle_since = 0.0
    _slow_head: list[tuple[bytes, bytes]] | None = None
    _lingering: asyncio.TimerHandle | None = None
    app: ASGI3Application
    url: bytes
    parser: httptools.HttpRequestParser

    def data_received(self, data: bytes) -> None:
        """Parse; what the parser refuses is answered after the responses that are due before it."""
        if self._farewell is not None:
            return
        was_in_head = self._in_head
        self._feeding_bytes = self._fed_bytes + len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._refuse(self._refused or unreadable(error, in_body=self._in_body))
        except httptools.HttpParserUpgrade as upgrade:
            self._stay(data[upgrade.args[0] :])
        else:
            if was_in_head and self._in_head:
                self._fed(len(data))

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A client has come; it has to say something."""
        super().connection_made(transport)
        self._idle_since = self.loop.time()
        self._look_again(self.timeout_keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has left, or we have."""
        if self._lingering is not None:
            self._lingering.cancel()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    # The parser's side.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head = True
        self._fed_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the request target."""
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header field, or a trailer, for which nobody looks."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is whole: start the app, or queue the request behind the one before."""
        if self._feeding_bytes > HEAD_LIMIT_BYTES:
            self._bound_head()
        self._in_head, self._in_body = False, True
        self._upgrading = self.parser.should_upgrade()
        self._fill_scope()
        self.headers = []
        previous = cast("Cycle | None", self.cycle)
        self.cycle = self._new_cycle()
        if previous is None or previous.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_body(self, body: bytes) -> None:
        """A piece of the body; it waits in the cycle until the app asks."""
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.body += body
            if len(cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            cycle.message_event.set()

    def on_message_complete(self) -> None:
        """The body is whole."""
        if self._upgrading:
            return
        self._in_body = False
        if not self.cycle.response_complete:
            self.cycle.more_body = False
            self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        """A response is out: now the next one, or the refusal that waited for it."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        self._idle_since = self.loop.time()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._farewell:
            self._leave(self._farewell)
        elif self.timeout_keep_alive_task is None:
            self._look_again(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that is idle, or whose request does not get past its head; else look again.

        One timer per connection, not per response: it is not moved while requests come, it only looks when it fires.
        """
        self.timeout_keep_alive_task = None
        cycle = cast("Cycle | None", self.cycle)
        if self.transport.is_closing() or (cycle is not None and not cycle.response_complete):
            return
        left_s = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self._look_again(left_s)
        elif self._in_head and self._slow_head is not self.headers:
            self._slow_head = self.headers
            self._look_again(_HEAD_S)
        else:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Uvicorn's own refusals, in our shape."""
        self._leave(refusal(RequestError(msg, code="malformed_request")))

    # Inside.

    def _look_again(self, after_s: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(after_s, self.timeout_keep_alive_handler)

    def _stay(self, rest: bytes) -> None:
        """Answer a wish for another protocol (h2c) over this one: its body is read by a parser of its own."""
        self.cycle.keep_alive = self._upgrading = False
        framing = [field for field in self.scope["headers"] if field[0] in (b"content-length", b"transfer-encoding")]
        self.parser = httptools.HttpRequestParser(_BodyOnly(self))
        head = [b"POST / HTTP/1.1", *[b": ".join(field) for field in framing], b"\r\n"]
        self.data_received(b"\r\n".join(head) + rest)

    def _new_cycle(self) -> Cycle:
        return Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=[],
            message_event=asyncio.Event(),
            expect_100_continue=dict(self.scope["headers"]).get(b"expect", b"").lower() == b"100-continue",
            keep_alive=self.scope["http_version"] != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )

    def _fill_scope(self) -> None:
        scope = cast("dict[str, Any]", self.scope)
        version = self.parser.get_http_version()
        if version != "1.1":
            scope["http_version"] = version
        url = httptools.parse_url(self.url)
        raw_path = url.path or b"/"
        path = raw_path.decode("ascii")
        scope["asgi"] = {"version": "3.0", "spec_version": "2.4"}
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = raw_path
        scope["query_string"] = url.query or b""

    def _bound_head(self) -> None:
        """Refuse a head above the limit; asked only where so much was fed that it may be."""
        if len(self.url) > HEAD_LIMIT_BYTES:
            self._refused = too_large("request target", HEAD_LIMIT_BYTES, status=414)
        elif sum(len(name) + len(value) + 4 for name, value in self.headers) > HEAD_LIMIT_BYTES:
            self._refused = too_large("header fields", HEAD_LIMIT_BYTES, status=431)
        if self._refused is not None:
            raise self._refused

    def _fed(self, size: int) -> None:
        """Bound a field that has no end: the parser tells of it only when it is whole."""
        self._fed_bytes += size
        if self._fed_bytes > HEAD_LIMIT_BYTES:
            self._refuse(too_large("header fields", HEAD_LIMIT_BYTES, status=431))

    def _refuse(self, error: BacktalkError) -> None:
        cycle = cast("Cycle | None", self.cycle)
        if cycle is None or (cycle.response_complete and not self.pipeline):
            self._leave(refusal(error))
        elif self._in_body:
            self._farewell = b""
            cycle.refuse(error, leave=self.linger)
        else:
            self._farewell = refusal(error)

    def _leave(self, last: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(last)
            self.linger()

    def linger(self) -> None:
        """Close in a way that lets the client read what was said: a close with bytes unread would reset it away."""
        self._farewell = b""
        if self.transport.is_closing() or self._lingering is not None:
            return
        self.transport.write_eof()
        self.flow.resume_reading()
        self._lingering = self.loop.call_later(_LINGER_S, self.transport.abort)


class _BodyOnly:
    """Lets a parser tell of one body alone; what a client sends behind it on such a connection is no part of it."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self._complete = False

    def on_body(self, body: bytes) -> None:
        if not self._complete:
            self._protocol.on_body(body)

    def on_message_complete(self) -> None:
        if not self._complete:
            self._complete = True
            self._protocol.on_message_complete()
