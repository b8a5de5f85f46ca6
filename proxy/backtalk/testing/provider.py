"""The scripted provider: a real HTTP server that speaks the OpenAI wire and misbehaves on demand.

In: requests of any client. Out: deterministic answers, or whatever a `Behaviour` says. In a test, `running_provider()`
runs it in a thread; `python -m backtalk.testing.provider --port 0` runs it as a process. It keeps the last requests as
`Exchange` values, headers and body as they arrived.
"""

import argparse
import asyncio
import collections
import contextlib
import hashlib
import threading
from collections.abc import Generator, Sequence
from typing import Any, Final

import msgspec

from backtalk.model.ids import new_trace_id
from backtalk.testing.behaviour import Behaviour, steered
from backtalk.testing.json_values import as_object
from backtalk.testing.rendering import Answer, render
from backtalk.testing.waiting import wait_until
from backtalk.testing.wire import (
    CONTINUE,
    KEPT_BODY_BYTES,
    MAX_HEAD_BYTES,
    ClientGoneError,
    Exchange,
    Head,
    Line,
    chunk,
    head_bytes,
    read_body,
    read_head,
)

_KEPT_EXCHANGES: Final = 10_000


class Provider:
    """The server's state and controls; controls may be used from any thread."""

    def __init__(self, default: Behaviour | None = None) -> None:
        self.default = default or Behaviour()
        self.models: dict[str, Behaviour] = {}
        """How requests for a model are treated, where nothing else is scripted."""
        self.exchanges: collections.deque[Exchange] = collections.deque(maxlen=_KEPT_EXCHANGES)
        self.url = ""
        self._scripted: collections.deque[Behaviour] = collections.deque()
        self._holds = 0
        self._waiting: set[int] = set()
        self._life = new_trace_id()[:8]
        self._answers = 0

    def script(self, *behaviours: Behaviour) -> None:
        """Treat the next requests so, one each, before the default applies again."""
        self._scripted.extend(behaviours)

    def release(self) -> None:
        """Let everything that is held now go on."""
        self._waiting.clear()

    @property
    def held(self) -> int:
        """How many responses wait for `release`; one whose client has left does not."""
        return len(self._waiting)

    def wait_for_exchanges(self, count: int, timeout_s: float = 5.0) -> Sequence[Exchange]:
        """Wait until so many requests have arrived; return them all."""
        wait_until(lambda: len(self.exchanges) >= count, timeout_s, what=f"{count} requests at the provider")
        return tuple(self.exchanges)

    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> asyncio.Server:
        """Listen; `url` is set when this returns."""
        server = await asyncio.start_server(self._connection, host, port, limit=MAX_HEAD_BYTES, backlog=1024)
        self.url = f"http://{host}:{server.sockets[0].getsockname()[1]}/v1"
        return server

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(reader, writer)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while (head := await read_head(reader)) is not None and await self._exchange(head, reader, line):
                    pass
        finally:
            writer.close()

    async def _exchange(self, head: Head, reader: asyncio.StreamReader, line: Line) -> bool:
        exchange = Exchange(head.method, head.target, head.headers)
        self.exchanges.append(exchange)
        if head.get("expect") == "100-continue":
            await line.write(CONTINUE)
        try:
            await _receive(exchange, head, reader)
            exchange.outcome = "answering"
            return await self._answer(exchange, line)
        except (ClientGoneError, asyncio.IncompleteReadError):
            exchange.outcome = "client_gone"
            raise

    async def _answer(self, exchange: Exchange, line: Line) -> bool:
        body = _json_object(exchange.body)
        behaviour = self._behaviour(exchange, body)
        self._answers += 1
        await line.pause(behaviour.delay_s)
        if behaviour.hold:
            await self._hold(line)
        answer = render(exchange, body, behaviour, f"{self._life}{self._answers:08d}")
        if behaviour.raw_response is not None:
            await line.write(behaviour.raw_response)
        else:
            await line.write(head_bytes(behaviour.status, answer.headers))
            await self._body(exchange, answer, behaviour, line)
        exchange.outcome = "cut" if behaviour.cut_after_bytes is not None else "answered"
        return behaviour.raw_response is None and exchange.outcome == "answered" and answer.framing != "close"

    async def _body(self, exchange: Exchange, answer: Answer, behaviour: Behaviour, line: Line) -> None:
        for count, piece in enumerate(answer.pieces):
            if count == behaviour.hold_after_writes:
                await self._hold(line)
            await line.pause(behaviour.chunk_delay_s)
            room = None if behaviour.cut_after_bytes is None else behaviour.cut_after_bytes - exchange.sent_bytes
            part = piece[:room]
            if part:
                await line.write(chunk(part) if answer.framing == "chunked" else part)
            exchange.sent_bytes += len(part)
            if room is not None and room <= len(piece):
                await line.pause(0.02)  # lets the bytes leave before the reset discards what is queued
                line.reset()
                return
        if answer.framing == "chunked":
            await line.write(b"0\r\n\r\n")

    async def _hold(self, line: Line) -> None:
        self._holds += 1
        place = self._holds
        self._waiting.add(place)
        try:
            await line.wait_for(lambda: place not in self._waiting)
        finally:
            self._waiting.discard(place)

    def _behaviour(self, exchange: Exchange, body: dict[str, Any]) -> Behaviour:
        asked = steered(dict(exchange.headers), body)
        if asked is not None:
            return asked
        if self._scripted:
            return self._scripted.popleft()
        if exchange.header("authorization") == "Bearer wrong":
            return Behaviour(status=401)
        return self.models.get(str(body.get("model")), self.default)


async def _receive(exchange: Exchange, head: Head, reader: asyncio.StreamReader) -> None:
    digest = hashlib.sha256()
    kept: list[bytes] = []
    async for piece in read_body(reader, head):
        digest.update(piece)
        if exchange.body_bytes < KEPT_BODY_BYTES:
            kept.append(piece)
        exchange.body_bytes += len(piece)
    exchange.body = b"".join(kept)
    exchange.body_sha256 = digest.hexdigest()


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        return as_object(msgspec.json.decode(body) if body else None)
    except (msgspec.DecodeError, RecursionError):
        return {}


@contextlib.contextmanager
def running_provider(default: Behaviour | None = None) -> Generator[Provider]:
    """Run a provider in a thread of its own; yields it once it listens."""
    provider = Provider(default)
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=_run, args=(loop, provider, ready), name="scripted-provider", daemon=True)
    thread.start()
    ready.wait(5)
    try:
        yield provider
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


def _run(loop: asyncio.AbstractEventLoop, provider: Provider, ready: threading.Event) -> None:
    asyncio.set_event_loop(loop)
    server = loop.run_until_complete(provider.serve())
    ready.set()
    loop.run_forever()
    server.close()
    loop.run_until_complete(asyncio.sleep(0.02))  # connections that were just accepted get their handlers
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(asyncio.sleep(0))  # closed transports let go of their sockets in the next turn
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    asyncio.set_event_loop(None)


async def _main(host: str, port: int) -> None:
    provider = Provider()
    server = await provider.serve(host, port)
    print(f"Scripted provider listens on {provider.url}", flush=True)  # noqa: T201 (whoever starts it reads this line)
    await server.serve_forever()


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="A scripted OpenAI-compatible provider for tests and demos.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(given.host, given.port))


if __name__ == "__main__":
    main()
