"""Runs an ASGI app on a socket: uvicorn's server around our protocol, with uvloop, until SIGTERM.

In: an app and a bound socket. Out: a process that serves. The one rule: on SIGTERM nothing new is taken, what runs may
end within `drain_s`, and only then it is cut.
"""

import functools
import gc
import signal
import socket
from types import FrameType
from typing import Any, Final, cast

import uvicorn
from uvicorn._types import ASGIApplication

from backtalk.errors import SetupError
from backtalk.model.exchange import Calls
from backtalk.web.crowd import ANY, Crowd
from backtalk.web.known_heads import KnownHeads
from backtalk.web.protocol import Protocol

_BACKLOG: Final = 4096


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Bind a listening socket; `shared` lets other processes bind the same port (SO_REUSEPORT)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        why = error.strerror or str(error)
        raise SetupError(f"cannot listen on {host}:{port}: {why}", code="cannot_listen") from error
    return listener


def run_server(
    app: Any,
    listener: socket.socket,
    *,
    calls: Calls | None = None,
    crowd: Crowd = ANY,
    drain_s: float = 30.0,
    quiet_gc: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT. `quiet_gc` keeps the collector from walking what lives as long as the process."""
    previous = [signal.signal(number, _ignore) for number in _SIGNALS]
    try:
        make_server(app, calls=calls, crowd=crowd, drain_s=drain_s, quiet_gc=quiet_gc).run([listener])
    finally:
        for number, handler in zip(_SIGNALS, previous, strict=True):
            signal.signal(number, handler)


def make_server(
    app: Any,
    *,
    calls: Calls | None = None,
    crowd: Crowd = ANY,
    drain_s: float = 30.0,
    keep_alive_s: float = 75.0,
    quiet_gc: bool = False,
) -> "Server":
    """The server alone, for callers that have a loop of their own: `await server.serve(sockets=[...])`.

    What `calls` takes is answered without ASGI, which costs a call about 20 us (measured).
    """
    config = uvicorn.Config(
        cast("ASGIApplication", app),
        loop="uvloop",
        http=cast("Any", functools.partial(Protocol, app=app, known_heads=KnownHeads(), calls=calls, crowd=crowd)),
        ws="none",
        interface="asgi3",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=cast("int", keep_alive_s),
        timeout_graceful_shutdown=cast("int", drain_s),
    )
    return Server(config, quiet_gc=quiet_gc)


class Server(uvicorn.Server):
    """Uvicorn's server; settles the garbage collector once everything long-lived exists."""

    def __init__(self, config: uvicorn.Config, *, quiet_gc: bool) -> None:
        super().__init__(config)
        self._quiet_gc = quiet_gc

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then settle."""
        await super().startup(sockets)
        if self._quiet_gc:
            gc.collect()
            gc.freeze()
            gc.set_threshold(50_000, 50, 100)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Uvicorn raises the signal again after its shutdown: by then it has done its work."""


_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
