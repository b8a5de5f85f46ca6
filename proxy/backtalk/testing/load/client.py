"""A client for measurements: closed loop over keep-alive connections, as cheap as Python can.

Prints one JSON line: calls, errors, seconds, chunks, and percentiles of the latency to the first byte in microseconds.
"""

import argparse
import asyncio
import itertools
import json
import sys
import time
from dataclasses import dataclass, field
from typing import cast

import uvloop


@dataclass(slots=True)
class Tally:
    """What a run has seen so far."""

    calls: int = 0
    errors: int = 0
    chunks: int = 0
    first_byte_us: list[float] = field(default_factory=list[float])


def request(host: str, model: str, number: int) -> bytes:
    """One chat request of about 2 KB; `number` makes its conversation unlike any other."""
    filler = "Tell me more about the matter at hand, please, and be brief. " * 5
    turns = [{"role": ("user", "assistant")[i % 2], "content": f"{number}-{i} {filler}"[:320]} for i in range(1, 6)]
    messages = [
        {"role": "system", "content": "You are a helpful assistant."},
        *turns,
        {"role": "user", "content": "Go on."},
    ]
    body = json.dumps({"model": model, "messages": messages, "stream": model.startswith("stream")}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer sk-load\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection(asyncio.Protocol):
    """Sends the next request when the last answer is whole, until the deadline."""

    def __init__(
        self, host: str, model: str, numbers: "itertools.count[int]", tally: Tally, deadline: float, pause_s: float
    ) -> None:
        self._host, self._model, self._numbers, self._tally = host, model, numbers, tally
        self._deadline, self._pause_s = deadline, pause_s
        self._streams = model.startswith("stream")
        self._transport: asyncio.Transport | None = None
        self._tail = b""
        self._missing = -1
        self._sent = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a connection that ended too early."""
        del exc
        if not self.done.done():
            self._tally.errors += 1
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Find the end of the answer."""
        if self._sent:
            self._tally.first_byte_us.append((time.perf_counter() - self._sent) * 1e6)
            self._sent = 0.0
            self._tally.errors += not data.startswith(b"HTTP/1.1 200")
        if self._streams:
            self._tally.chunks += data.count(b"data: {")
            self._tail = (self._tail + data)[-8:]
            if self._tail.endswith(b"0\r\n\r\n"):
                self._finish()
        else:
            self._count_body(data)

    def _count_body(self, data: bytes) -> None:
        if self._missing < 0:
            self._tail += data
            head_end = self._tail.find(b"\r\n\r\n")
            if head_end < 0:
                return
            at = self._tail.lower().index(b"content-length:") + 15
            length = int(self._tail[at : self._tail.index(b"\r\n", at)])
            self._missing = length - (len(self._tail) - head_end - 4)
        else:
            self._missing -= len(data)
        if self._missing <= 0:
            self._finish()

    def _finish(self) -> None:
        self._tally.calls += 1
        if time.perf_counter() >= self._deadline:
            self.done.set_result(None)
            if self._transport is not None:
                self._transport.close()
        elif self._pause_s:
            asyncio.get_running_loop().call_later(self._pause_s, self._next)
        else:
            self._next()

    def _next(self) -> None:
        self._tail, self._missing = b"", -1
        if self._transport is not None:
            self._transport.write(request(self._host, self._model, next(self._numbers)))
            self._sent = time.perf_counter()


async def run(host: str, port: int, *, model: str, connections: int, seconds: float, rate: float) -> dict[str, float]:
    """Load `host:port` and tell what came back; `rate` in calls a second over all connections, 0 for a closed loop."""
    tally, numbers = Tally(), itertools.count(time.time_ns() % 10**9)
    begin = time.perf_counter()
    pause_s = connections / rate if rate else 0.0
    made = [
        (
            await asyncio.get_running_loop().create_connection(
                lambda: Connection(f"{host}:{port}", model, numbers, tally, begin + seconds, pause_s), host, port
            )
        )[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(connection.done for connection in made))
    ordered = sorted(tally.first_byte_us) or [0.0]
    return {
        "calls": tally.calls,
        "errors": tally.errors,
        "chunks": tally.chunks,
        "seconds": time.perf_counter() - begin,
        "p50_us": ordered[len(ordered) // 2],
        "p99_us": ordered[int(len(ordered) * 0.99)],
    }


def main() -> None:
    """Parse arguments, run, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--model", default="json-600")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rate", type=float, default=0.0)
    asked = parser.parse_args()
    outcome = uvloop.run(
        run(
            "127.0.0.1",
            asked.port,
            model=asked.model,
            connections=asked.connections,
            seconds=asked.seconds,
            rate=asked.rate,
        )
    )
    sys.stdout.write(json.dumps(outcome) + "\n")


if __name__ == "__main__":
    main()
