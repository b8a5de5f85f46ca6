"""An upstream for measurements: answers a chat completion as cheaply as Python can.

The model's name says how: `json-600` answers 600 characters of content; `stream-100-10` streams 100 chunks, 10 ms
apart. It is no model of correctness; `backtalk.testing.provider` is.
"""

import asyncio
import re
import sys
from typing import Final, cast

import uvloop

_MODEL: Final = re.compile(rb'"model":\s*"([a-z]+)-(\d+)(?:-(\d+))?"')
_LENGTH: Final = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
_CHUNK: Final = (
    b'data: {"id":"chatcmpl-load","object":"chat.completion.chunk","created":1700000000,"model":"load",'
    b'"choices":[{"index":0,"delta":{"content":"word and "},"finish_reason":null}]}\n\n'
)
_FRAMED: Final = b"%x\r\n%b\r\n" % (len(_CHUNK), _CHUNK)
_DONE: Final = b"data: [DONE]\n\n"


class Upstream(asyncio.Protocol):
    """One keep-alive connection; requests come one after another."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        length = _LENGTH.search(self._buffer, 0, head_end)
        end = head_end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < end:
            return
        body, self._buffer = self._buffer[head_end + 4 : end], self._buffer[end:]
        match = _MODEL.search(body)
        if match and match[1] == b"stream":
            self._write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            self._stream(int(match[2]), int(match[3] or 0) / 1e3)
        else:
            self._write(answer(int(match[2]) if match else 600))

    def _stream(self, chunks: int, pause_s: float) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if chunks == 0:
            self._write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(_DONE), _DONE))
            return
        self._write(_FRAMED)
        self._loop.call_later(pause_s, self._stream, chunks - 1, pause_s)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


def answer(content_chars: int) -> bytes:
    """The whole HTTP response of a completion with that much content."""
    body = (
        b'{"id":"chatcmpl-load","object":"chat.completion","created":1700000000,"model":"load","choices":[{"index":0,'
        b'"message":{"role":"assistant","content":"%b"},"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":400,"completion_tokens":120,"total_tokens":520}}' % (b"x" * content_chars)
    )
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
