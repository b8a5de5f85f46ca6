"""Runs ASGI apps on the real server inside a test's own loop, and keeps the frames they write.

In: an app. Out: a port, and frames. The one rule: the server is the product's own, with its protocol.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final

from backtalk.app import PublicApp
from backtalk.model.asgi import App, Receive, Scope, Send
from backtalk.model.exchange import Calls
from backtalk.model.frames import AnyFrame, Closed, Opened, Requested, decode
from backtalk.model.meter import NoMeter
from backtalk.settings import Settings
from backtalk.testing.raw_client import RawClient, RawResponse
from backtalk.testing.raw_upstream import RawUpstream, Script, answering
from backtalk.web.crowd import ANY, Crowd
from backtalk.web.feedback_request import Answer, FeedbackRequest
from backtalk.web.server import bind, make_server

_PLAIN: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


class FrameList:
    """A sink that keeps what it is offered."""

    def __init__(self) -> None:
        self.frames: list[AnyFrame] = []
        self.raw: list[bytes] = []
        self._news = asyncio.Event()

    def offer(self, payload: bytes, /) -> bool:
        """Keep a frame."""
        self.raw.append(payload)
        self.frames.append(decode(payload))
        self._news.set()
        return True

    @property
    def opened(self) -> list[Opened]:
        """The calls' beginnings."""
        return [f for f in self.frames if isinstance(f, Opened)]

    @property
    def requested(self) -> list[Requested]:
        """Bodies that came in pieces."""
        return [f for f in self.frames if isinstance(f, Requested)]

    @property
    def closed(self) -> list[Closed]:
        """The calls' ends."""
        return [f for f in self.frames if isinstance(f, Closed)]

    async def ended(self, count: int = 1, *, timeout_s: float = 5.0) -> Closed:
        """Wait until `count` calls have ended; returns the last."""
        async with asyncio.timeout(timeout_s):
            while len(self.closed) < count:
                self._news.clear()
                await self._news.wait()
        return self.closed[-1]


@contextlib.asynccontextmanager
async def serving(
    app: App, *, calls: Calls | None = None, crowd: Crowd = ANY, drain_s: float = 0.5, keep_alive_s: float = 75.0
) -> AsyncGenerator[int]:
    """Serve an app on a free port until the end of the context; gives the port."""
    listener = bind("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    server = make_server(app, calls=calls, crowd=crowd, drain_s=drain_s, keep_alive_s=keep_alive_s)
    running = asyncio.get_running_loop().create_task(server.serve([listener]))
    try:
        while not server.started:
            if running.done():
                await running
            await asyncio.sleep(0.002)
        yield port
    finally:
        server.should_exit = True
        await running


@contextlib.asynccontextmanager
async def proxying(
    upstream: str,
    frames: FrameList | None = None,
    *,
    keep_alive_s: float = 75.0,
    **settings: Mapping[str, Any] | str,
) -> AsyncGenerator[int]:
    """Serve the public app in front of an upstream; `settings` are top-level fields."""
    tree = Settings.model_validate({"upstream": upstream, **settings})
    sink = FrameList() if frames is None else frames
    app = PublicApp(tree, feedback_door=nobody, sink=sink, secret=b"s" * 32, metrics=NoMeter())
    async with serving(app, calls=app.calls, keep_alive_s=keep_alive_s) as port:
        yield port


@contextlib.asynccontextmanager
async def relaying(
    script: Script, frames: FrameList | None = None, *, before_body: bool = False, **settings: Any
) -> AsyncGenerator[tuple[RawUpstream, RawClient]]:
    """A scripted upstream, the proxy before it, and a client before that."""
    async with (
        RawUpstream(script, before_body=before_body).listening() as upstream,
        proxying(upstream.url, frames, **settings) as port,
        await RawClient.to(port) as client,
    ):
        yield upstream, client


@contextlib.asynccontextmanager
async def routing(
    scripts: Mapping[str, Script],
    *,
    targets: Mapping[str, Mapping[str, Any]] | None = None,
    frames: FrameList | None = None,
    route: Mapping[str, Any] | None = None,
    **settings: Any,
) -> AsyncGenerator[tuple[Mapping[str, RawUpstream], RawClient]]:
    """Scripted upstreams as the targets of the route `m`, a plain one named `default` for other models, and a client.

    `targets` and `route` are more of their settings; without `targets` among those of the route, all share its calls.
    """
    async with contextlib.AsyncExitStack() as stack:
        upstreams = {
            name: await stack.enter_async_context(RawUpstream(script).listening()) for name, script in scripts.items()
        }
        default = await stack.enter_async_context(RawUpstream(answering(_PLAIN)).listening())
        named = {name: {"url": one.url, **(targets or {}).get(name, {})} for name, one in upstreams.items()}
        shared = {"targets": tuple(named), "backoff_s": 0.001, **(route or {})}
        port = await stack.enter_async_context(
            proxying(default.url, frames, targets=named, routes={"m": shared}, **settings)
        )
        yield {**upstreams, "default": default}, await stack.enter_async_context(await RawClient.to(port))


def error_of(response: RawResponse) -> dict[str, Any]:
    """The error of an OpenAI-shaped body; raises where it is none or its trace id is not the header's."""
    error: dict[str, Any] = json.loads(response.body)["error"]
    if error["trace_id"] != response.value("x-trace-id"):
        raise ValueError(f"{error['trace_id']} is not {response.value('x-trace-id')}")
    return error


async def nobody(request: FeedbackRequest) -> Answer:
    """A feedback door that is never what a test is about."""
    del request
    return Answer(404, b"", [])


async def not_here(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that is never what a test is about."""
    if scope["type"] == "lifespan":
        for _ in range(2):
            await send({"type": f"{(await receive())['type']}.complete"})
        return
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
