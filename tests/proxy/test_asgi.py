"""Backtalk around any ASGI app."""

import subprocess
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from backtalk.asgi import Backtalk
from backtalk.model.frames import Closed, Opened
from backtalk.spool.intake import Intake
from backtalk.testing.raw_client import RawClient
from backtalk.testing.running import serving

Event = MutableMapping[str, Any]


async def echo(request: Request) -> JSONResponse:
    """Answer with the body."""
    return JSONResponse({"got": (await request.body()).decode()})


async def stream(_request: Request) -> StreamingResponse:
    """Answer in pieces."""
    return StreamingResponse(iter([b"a", b"b"]))


async def crash(_request: Request) -> JSONResponse:
    """Fail."""
    raise RuntimeError("sk-secret")


def starlette_app() -> Starlette:
    """An app as others write them."""
    routes = [Route("/v1/echo", echo, methods=["POST"]), Route("/v1/stream", stream), Route("/v1/crash", crash)]
    return Starlette(routes=[*routes, Route("/other", stream)])


@pytest.mark.anyio
async def test_a_starlette_app_is_observed(tmp_path: Path) -> None:
    """Calls under /v1 are spooled with their bodies, every response has ids, also the app's crash."""
    async with serving(Backtalk(starlette_app(), tmp_path)) as port, await RawClient.to(port) as client:
        assert (await client.request("POST", "/v1/echo", b"hello")).body == b'{"got":"hello"}'
        assert (await client.request("GET", "/v1/stream")).body == b"ab"
        crashed = await client.request("GET", "/v1/crash")
        assert (crashed.status, crashed.value("x-trace-id") is None) == (500, False)
        assert b"sk-secret" not in crashed.body
        assert (await client.request("GET", "/other")).value("x-trace-id")
    frames = [taken.frame for taken in Intake(tmp_path / "spool", {}).poll(100)]
    opened = [f for f in frames if isinstance(f, Opened)]
    closed = [f for f in frames if isinstance(f, Closed)]
    assert [f.path for f in opened] == ["/v1/echo", "/v1/stream", "/v1/crash"]
    assert opened[0].body == b"hello"
    assert [(f.status, f.body) for f in closed][:2] == [(200, b'{"got":"hello"}'), (200, b"ab")]
    assert closed[2].status == 500


@pytest.mark.anyio
async def test_a_server_without_lifespan_is_enough(tmp_path: Path) -> None:
    """The first request opens the spool."""
    app = Backtalk(starlette_app(), tmp_path)
    sent: list[Event] = []

    async def receive() -> Event:
        return {"type": "http.request", "body": b"x", "more_body": False}

    async def send(event: Event) -> None:
        sent.append(event)

    scope: Event = {"type": "http", "method": "POST", "path": "/v1/echo", "headers": [], "query_string": b""}
    await app(scope, receive, send)
    await _stop(app)
    assert dict(sent[0]["headers"])[b"x-trace-id"]


async def _stop(app: Callable[[Event, Any, Any], Awaitable[None]]) -> None:
    events = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Event:
        return next(events)

    async def send(_event: Event) -> None:
        pass

    await app({"type": "lifespan"}, receive, send)


def test_a_host_needs_none_of_our_servers() -> None:
    """Neither uvloop nor uvicorn, and nothing that understands a call: that is the worker's."""
    code = """
import sys
sys.modules['uvloop'] = sys.modules['uvicorn'] = None
import backtalk.asgi
print([name for name in sys.modules if name in ('redis', 'deltalake', 'litellm', 'opentelemetry')])
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
