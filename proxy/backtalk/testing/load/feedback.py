"""A client for measurements that gives feedback: at a steady rate, or as fast as the answers come.

Prints one JSON line: items acknowledged, errors, seconds, and percentiles of the time to the acknowledgement in
microseconds. The one rule: at a rate, a feedback's time counts from when it was due, so that a stall is seen by all
that had to wait behind it.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import uvloop

PATH: Final = "/v1/feedback"
_TICK_S: Final = 0.0005
_PATIENCE_S: Final = 10.0


class Asked(NamedTuple):
    """What is to be loaded and how."""

    host: str
    port: int
    request_ids: tuple[str, ...]
    path: str = PATH
    connections: int = 64
    seconds: float = 4.0
    rate: float = 0.0
    """Requests a second over all connections; 0: as fast as answers come."""
    batch: int = 1
    """Items a request; above 1 they go as `{"items": [...]}`."""


@dataclass(slots=True)
class Tally:
    """What a run has seen so far."""

    items: int = 0
    resolved: int = 0
    """Items whose target was named in the reply: Redis was asked in time."""
    errors: int = 0
    waited_us: list[float] = field(default_factory=list[float])


def request(asked: Asked, number: int) -> bytes:
    """One request; `number` makes its keys unlike any other's."""
    items = [_item(asked, number * asked.batch + place) for place in range(asked.batch)]
    body = json.dumps(items[0] if asked.batch == 1 else {"items": items}, separators=(",", ":")).encode()
    head = (
        f"POST {asked.path} HTTP/1.1\r\nhost: {asked.host}:{asked.port}\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer sk-load\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _item(asked: Asked, number: int) -> dict[str, Any]:
    target = asked.request_ids[number % len(asked.request_ids)]
    return {"kind": "rating", "value": number % 3 > 0, "request_id": target, "id": f"load-{number}"}


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._due_s = 0.0
        self.busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a connection that ended before its answer."""
        del exc
        self._load.tally.errors += self.busy

    def send(self, raw: bytes, due_s: float) -> None:
        """Send a request that was due at this moment."""
        self.busy, self._due_s, self._buffer = True, due_s, b""
        if self._transport is not None:
            self._transport.write(raw)

    def close(self) -> None:
        """Leave."""
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Find the end of the answer."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        at = self._buffer.index(b"content-length:", 0) + 15
        if len(self._buffer) - end - 4 >= int(self._buffer[at : self._buffer.index(b"\r\n", at)]):
            self.busy = False
            self._load.tally.resolved += self._buffer.count(b'"resolved"')
            self._load.answered(self, self._due_s, ok=self._buffer.startswith(b"HTTP/1.1 20"))


class Load:
    """One run."""

    def __init__(self, asked: Asked) -> None:
        self.tally = Tally()
        self._asked = asked
        self._numbers = itertools.count(time.time_ns() % 10**9 * 1_000)
        self._free: deque[Connection] = deque()
        self._due: deque[float] = deque()
        self._open = True
        self._all_free = asyncio.Event()

    async def run(self) -> dict[str, float]:
        """Connect, load, and tell what came back."""
        asked = self._asked
        loop = asyncio.get_running_loop()
        made = [
            (await loop.create_connection(lambda: Connection(self), asked.host, asked.port))[1]
            for _ in range(asked.connections)
        ]
        self._free.extend(made)
        begin = time.perf_counter()
        await (self._steadily(begin) if asked.rate else self._at_once(begin))
        seconds = time.perf_counter() - begin
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S if len(self._free) < len(made) else 0):
                await self._all_free.wait()
        for connection in made:
            connection.close()
        ordered = sorted(self.tally.waited_us) or [0.0]
        return {
            "items": self.tally.items,
            "resolved": self.tally.resolved,
            "errors": self.tally.errors + len(self._due),
            "seconds": seconds,
            "p50_us": ordered[len(ordered) // 2],
            "p99_us": ordered[int(len(ordered) * 0.99)],
            "max_us": ordered[-1],
        }

    def answered(self, connection: Connection, due_s: float, *, ok: bool) -> None:
        """Hear of an answer; the connection takes what is due next."""
        now = time.perf_counter()
        self.tally.waited_us.append((now - due_s) * 1e6)
        self.tally.items += self._asked.batch * ok
        self.tally.errors += not ok
        if not self._asked.rate and self._open:
            self._due.append(now)
        if self._due:
            self._send(connection)
        else:
            self._free.append(connection)
            if len(self._free) == self._asked.connections:
                self._all_free.set()

    def _send(self, connection: Connection) -> None:
        connection.send(request(self._asked, next(self._numbers)), self._due.popleft())

    async def _at_once(self, begin: float) -> None:
        while self._free:
            self._due.append(time.perf_counter())
            self._send(self._free.popleft())
        await asyncio.sleep(begin + self._asked.seconds - time.perf_counter())
        self._open = False

    async def _steadily(self, begin: float) -> None:
        """Spread what is due evenly; who finds no connection free waits in line."""
        sent = 0
        while (now := time.perf_counter()) < begin + self._asked.seconds:
            while sent < (now - begin) * self._asked.rate:
                self._due.append(begin + sent / self._asked.rate)
                sent += 1
                if self._free:
                    self._all_free.clear()
                    self._send(self._free.popleft())
            await asyncio.sleep(_TICK_S)


def main() -> None:
    """Parse arguments, run, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("request_ids", type=Path, help="a file with the ids of calls, one a line")
    parser.add_argument("--path", default=PATH)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--batch", type=int, default=1)
    given = vars(parser.parse_args())
    ids = tuple(given.pop("request_ids").read_text(encoding="ascii").split())
    asked = Asked("127.0.0.1", request_ids=ids, **given)
    sys.stdout.write(json.dumps(uvloop.run(Load(asked).run())) + "\n")


if __name__ == "__main__":
    main()
