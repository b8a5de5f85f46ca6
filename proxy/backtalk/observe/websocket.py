"""WebSocket frames: bytes of one direction in any split go in, whole messages come out (RFC 6455, RFC 7692).

Bounded: a message beyond the limit, or bytes that are no frames, end the reading and say why. What was read stands.
"""

import zlib
from typing import Final, Literal, NamedTuple

LIMIT_BYTES: Final = 16 << 20
"""Largest message, as sent and as inflated."""
_CONTINUATION: Final = 0
_TEXT: Final = 1
_CLOSE: Final = 8
_SYNC: Final = b"\x00\x00\xff\xff"
"""What a sender leaves off the end of each compressed message (RFC 7692, section 7.2.1)."""
_DEFLATE: Final = "permessage-deflate"


class Message(NamedTuple):
    """A whole message. `close` holds the peer's status code, 1005 where it gave none (RFC 6455, section 7.4.1)."""

    kind: Literal["text", "binary", "close"]
    data: bytes
    code: int | None = None


class Reader:
    """Reads one direction; `problem` says why it no longer does."""

    def __init__(self, side: Literal["client", "server"], extensions: str, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self.problem: str | None = None
        self._limit_bytes = limit_bytes
        self._buffer = bytearray()
        self._deflated = _DEFLATE in extensions
        self._fresh_each = f"{side}_no_context_takeover" in extensions
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._message_bytes = bytearray()
        self._opcode = _CONTINUATION
        self._compressed = False

    @property
    def held_bytes(self) -> int:
        """What waits for its end."""
        return len(self._buffer) + len(self._message_bytes)

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes; gives the messages that they complete."""
        found: list[Message] = []
        if self.problem is None:
            self._buffer += data
            while self.problem is None and (messages := self._next()) is not None:
                found += messages
        return found

    def give_up(self, problem: str) -> None:
        """Read no more, and let go of what waits."""
        self._fail(problem)

    def _next(self) -> list[Message] | None:
        """Read one frame; None where it is not whole yet."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        short, masked = buffer[1] & 0x7F, buffer[1] >> 7
        start = 2 + {126: 2, 127: 8}.get(short, 0)
        if len(buffer) < start + 4 * masked:
            return None
        size = short if short < 126 else int.from_bytes(buffer[2:start], "big")
        if size + len(self._message_bytes) > self._limit_bytes:
            return self._fail(f"a message of the socket is larger than {self._limit_bytes} bytes")
        body = start + 4 * masked
        if len(buffer) < body + size:
            return None
        payload = bytes(buffer[body : body + size])
        if masked:
            payload = _unmasked(payload, bytes(buffer[start:body]))
        first = buffer[0]
        del buffer[: body + size]
        return self._frame(first & 0x0F, payload, final=bool(first & 0x80), compressed=bool(first & 0x40))

    def _frame(self, opcode: int, payload: bytes, *, final: bool, compressed: bool) -> list[Message]:
        if opcode > 10 or 3 <= opcode <= 7 or (compressed and not self._deflated):
            return self._fail("the bytes of the socket are no WebSocket frames")
        if opcode == _CLOSE:
            code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
            return [Message("close", payload[2:], code)]
        if opcode > _CLOSE:  # ping and pong
            return []
        if opcode != _CONTINUATION:
            self._opcode, self._compressed = opcode, compressed
            self._message_bytes.clear()
        self._message_bytes += payload
        return self._message() if final else []

    def _message(self) -> list[Message]:
        data = bytes(self._message_bytes)
        self._message_bytes.clear()
        if self._compressed:
            inflated = self._inflated(data)
            if inflated is None:
                return []
            data = inflated
        return [Message("text" if self._opcode == _TEXT else "binary", data)]

    def _inflated(self, data: bytes) -> bytes | None:
        try:
            plain = self._inflater.decompress(data + _SYNC, self._limit_bytes)
        except zlib.error:
            self._fail("a compressed message of the socket is damaged")
            return None
        if self._inflater.unconsumed_tail:
            self._fail(f"a message of the socket is larger than {self._limit_bytes} bytes")
            return None
        if self._fresh_each:
            self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        return plain

    def _fail(self, problem: str) -> list[Message]:
        self.problem = problem
        self._buffer.clear()
        self._message_bytes.clear()
        return []


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")).to_bytes(size, "little")
