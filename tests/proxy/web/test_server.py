"""The server as a process: it binds, it drains, it shares its port."""

import signal
import socket
import subprocess
import sys

import pytest

from backtalk.errors import SetupError
from backtalk.testing.waiting import wait_until
from backtalk.web.server import bind

APP = """
import asyncio, sys
from backtalk.web.server import bind, run_server

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive(); await send({"type": "lifespan.startup.complete"})
        await receive(); await send({"type": "lifespan.shutdown.complete"})
        print("shut down", flush=True)
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    await receive()
    await asyncio.sleep(float(sys.argv[2]))
    await send({"type": "http.response.body", "body": b"last"})

listener = bind("127.0.0.1", int(sys.argv[1]), shared=True)
print(listener.getsockname()[1], flush=True)
run_server(app, listener, drain_s=float(sys.argv[3]), quiet_gc=True)
print("done", flush=True)
"""


def start(port: int, stream_s: float, drain_s: float) -> "tuple[subprocess.Popen[str], int]":
    """A process that serves a stream of two pieces; gives its port."""
    arguments = [sys.executable, "-c", APP, str(port), str(stream_s), str(drain_s)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def begin(port: int) -> socket.socket:
    """A connection whose response has begun."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    data = b""
    while b"first" not in data:
        data += connection.recv(4096)
    return connection


def rest(connection: socket.socket) -> bytes:
    """Everything until the end."""
    data = b""
    while piece := connection.recv(4096):
        data += piece
    connection.close()
    return data


def test_sigterm_lets_a_stream_end_and_takes_nothing_new() -> None:
    """The running response is completed, the port is closed, the process ends with status 0."""
    process, port = start(0, 0.5, 10)
    with process:
        connection = begin(port)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: not _connects(port), what="a closed port")
        assert b"last" in rest(connection)
        assert process.wait(10) == 0
        assert process.stdout is not None
        assert process.stdout.read().split("\n")[:2] == ["shut down", "done"]


def test_a_stream_that_outlasts_the_drain_is_cut() -> None:
    """After `drain_s` the process ends, and the client sees that the response is not whole."""
    process, port = start(0, 60, 0.3)
    with process:
        connection = begin(port)
        process.send_signal(signal.SIGTERM)
        assert not rest(connection).endswith(b"0\r\n\r\n")
        assert process.wait(10) == 0


def test_two_processes_share_a_port() -> None:
    """With a shared binding a second process serves beside the first, and goes on after it."""
    first, port = start(0, 0, 1)
    second, same = start(port, 0, 1)
    with first, second:
        assert port == same
        first.send_signal(signal.SIGTERM)
        assert first.wait(10) == 0
        assert b"last" in rest_of_closing(port)
        second.send_signal(signal.SIGTERM)
        assert second.wait(10) == 0


def rest_of_closing(port: int) -> bytes:
    """The whole response to a request that closes its connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        return rest(connection)


def test_a_port_in_use_is_said() -> None:
    """The error names address and port."""
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SetupError, match=f"127.0.0.1:{port}"):
            bind("127.0.0.1", port)


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
