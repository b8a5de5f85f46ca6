"""One request and its response on a connection: uvicorn's cycle with a leaner way out and stricter ends.

In: ASGI events of an app. Out: bytes. The one rule: a response that the app did not complete is cut so that the client
sees it; one that is sent to nobody raises (ASGI 2.4).
"""

import logging
from collections.abc import Callable, Collection
from typing import Any, Final, cast

from uvicorn._types import ASGI3Application, ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from backtalk.errors import BacktalkError
from backtalk.web.refusals import STATUS_LINES, refusal

_log: Final = logging.getLogger(__name__)
_BODILESS: Final = frozenset((204, 304))
_JOIN_BYTES: Final = 16 * 1024
_FAILED: Final = BacktalkError("Backtalk failed to handle this request.", code="internal_error")


class ClientDisconnectedError(OSError):
    """Something was sent to a client that had left."""


class Cycle(RequestResponseCycle):
    """What an app is called with. A head waits for the first event of its body, which may be empty, as ASGI says."""

    _refused: BacktalkError | None = None
    _bodiless = False
    _left: int | None = None
    _held = b""
    _leave: Callable[[], None] | None = None

    def refuse(self, error: BacktalkError, *, leave: Callable[[], None]) -> None:
        """The rest of the body cannot be read: whoever waits for it gets `error`; `leave` ends the connection."""
        self._refused = error
        self._leave = leave
        self.keep_alive = False
        self.message_event.set()

    async def run_asgi(self, app: ASGI3Application) -> None:
        """Run the app to its end, and end the response with it."""
        try:
            await app(self.scope, self.receive, self.send)
        except BaseException as error:  # noqa: BLE001 - the server goes on whatever an app does
            _log.error("request failed", exc_info=error)
        finally:
            if not self.response_complete and not self.disconnected:
                self._end()
            self.on_response = _nothing

    async def receive(self) -> ASGIReceiveEvent:
        """The next piece of the body, or that the client has left."""
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if not self.disconnected and not self.response_complete:
            self.flow.resume_reading()
            if not self.message_event.is_set():
                await self.message_event.wait()
            self.message_event.clear()
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        if self._refused is not None:
            raise self._refused
        piece, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": piece, "more_body": self.more_body}

    async def send(self, message: ASGISendEvent) -> None:
        """Write a head or a piece of the body; waits while the client does not take it."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            raise ClientDisconnectedError
        event = cast("dict[str, Any]", message)
        if event["type"] == "http.response.body" and self.response_started and not self.response_complete:
            self._write_body(event.get("body", b""), more=event.get("more_body", False))
        elif event["type"] == "http.response.start" and not self.response_started:
            self._write_head(event["status"], event.get("headers", ()))
        else:
            raise RuntimeError(f"unexpected ASGI event {event['type']}")

    def _write_head(self, status: int, headers: Collection[tuple[bytes, bytes]]) -> None:
        known = dict(headers)
        if b"content-length" in known:
            self._left = int(known[b"content-length"])
        self.chunked_encoding = b"transfer-encoding" in known
        if b"close" in known.get(b"connection", b"").lower():
            self.keep_alive = False
        lines = [STATUS_LINES[status], *map(b": ".join, headers)]
        self._frame(lines, status)
        head = b"\r\n".join(lines)
        if head.count(b"\n") != len(lines) or b"\0" in head:
            raise RuntimeError("a header field holds a line break")
        self.response_started = True
        self._held = head

    def _frame(self, lines: list[bytes], status: int) -> None:
        """Say how the body ends, and whether the connection does too."""
        self._bodiless = self.scope["method"] == "HEAD" or status in _BODILESS
        if self._left is None and not self.chunked_encoding and not self._bodiless:
            if self.scope["http_version"] == "1.0":
                self.keep_alive = False
            else:
                self.chunked_encoding = True
                lines.append(b"transfer-encoding: chunked")
        if self.waiting_for_100_continue:  # the body that was announced may come or not: nobody could tell
            self.waiting_for_100_continue = self.keep_alive = False
        if not self.keep_alive:
            lines.append(b"connection: close")
        lines.append(b"\r\n")

    def _write_body(self, body: bytes, *, more: bool) -> None:
        head, self._held = self._held, b""
        if self._bodiless:
            body = b""
        elif self.chunked_encoding:
            end = b"" if more else b"0\r\n\r\n"
            body = b"%x\r\n%b\r\n%b" % (len(body), body, end) if body else end
        elif self._left is not None:
            self._left -= len(body)
            if self._left < 0 or (self._left > 0 and not more):
                raise RuntimeError("the body's length is not the content-length that was sent")
        self._write(head, body)
        if not more:
            self._complete()

    def _write(self, head: bytes, body: bytes) -> None:
        """Write in one system call where that is cheaper than copying."""
        if head and len(body) > _JOIN_BYTES:
            self.transport.writelines((head, body))
        elif head or body:
            self.transport.write(head + body if head else body)

    def _complete(self) -> None:
        self.response_complete = True
        self.message_event.set()
        if self._leave is not None:
            self._leave()
        elif not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _end(self) -> None:
        """End a response that its app left: whole and failed if nothing was sent, else cut."""
        if not self.response_started:
            self.transport.write(refusal(_FAILED))
            self.transport.close()
            return
        self._write(self._held, b"")
        if self.flow.write_paused or self.scope["http_version"] == "1.0":
            self.transport.abort()
        else:
            self.transport.close()


def _nothing() -> None:
    """Stand in for a callback that is over, so that nothing is held."""
