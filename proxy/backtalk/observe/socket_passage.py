"""One WebSocket of an ASGI host on its way through: messages on both sides, the call in the middle.

The host's server speaks the protocol, so what passes here are whole messages: they are kept as the frames that they
would be, uncompressed and unmasked. The one rule: a message passes unchanged and at once, only the 101 gets the ids.
"""

from typing import Final

from backtalk.model.asgi import App, Message, Receive, Scope, Send
from backtalk.model.frames import Outcome
from backtalk.observe.call import Call

_TEXT: Final = 0x81
_BINARY: Final = 0x82
_CLOSE: Final = 0x88
_NO_CODE: Final = 1005


class SocketPassage:
    """Runs an app on one WebSocket."""

    __slots__ = ("_app", "_call", "_closing", "_receive", "_send")

    def __init__(self, app: App, call: Call, receive: Receive, send: Send) -> None:
        self._app = app
        self._call = call
        self._receive = receive
        self._send = send
        self._closing = False

    async def run(self, scope: Scope) -> None:
        """Run the app; whatever happens, the call is closed once. A crash is the host's to answer."""
        try:
            await self._app(scope, self.receive, self.send)
        except BaseException as error:
            self._call.close("failed", type(error).__name__)
            raise
        end: Outcome = "completed" if self._closing else "failed"
        self._call.close(end, None if self._closing else "the socket was not closed")

    async def receive(self) -> Message:
        """Pass a message of the client."""
        message = await self._receive()
        if message["type"] == "websocket.receive":
            self._call.request_piece(frame_of(message), more=True)
        elif message["type"] == "websocket.disconnect":
            self._closing = True
            self._call.request_piece(_closing(message), more=True)
        return message

    async def send(self, message: Message) -> None:
        """Pass a message of the app."""
        kind, call = message["type"], self._call
        if kind == "websocket.accept":
            message = {**message, "headers": call.response_head(101, list(message.get("headers") or ()))}
        elif kind == "websocket.http.response.start":
            message = {**message, "headers": call.response_head(message["status"], list(message.get("headers") or ()))}
        elif kind == "websocket.http.response.body":
            call.response_piece(message.get("body", b""))
            self._closing = True
        elif kind == "websocket.send":
            call.response_piece(frame_of(message))
        elif kind == "websocket.close":
            self._close()
            call.response_piece(_closing(message))
        await self._send(message)

    def _close(self) -> None:
        """The app closes; before it accepted this is a refusal, which servers answer with a 403."""
        self._closing = True
        if not self._call.status:
            self._call.response_head(403, [])


def frame_of(message: Message) -> bytes:
    """A message as the one frame that it would be (RFC 6455, section 5.2)."""
    text, data = message.get("text"), message.get("bytes")
    return _frame(_BINARY, data or b"") if text is None else _frame(_TEXT, text.encode("utf-8", "surrogatepass"))


def _closing(message: Message) -> bytes:
    code = message.get("code", 1000)
    known = isinstance(code, int) and code != _NO_CODE and 0 <= code < 1 << 16
    return _frame(_CLOSE, code.to_bytes(2, "big") if known else b"")


def _frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 1 << 16:
        return bytes((first, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload
