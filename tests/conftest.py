"""Fixtures every test may use: an event loop backend and a real Valkey on a Unix socket."""

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from backtalk.session.embedded import find_server
from backtalk.testing.disk import Disk, watched_disk
from backtalk.testing.waiting import wait_until

# A busy machine is no finding of a property test.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the product does."""
    return "asyncio"


@pytest.fixture
def disk() -> Iterator[Disk]:
    """What this process syncs."""
    with watched_disk() as watched:
        yield watched


@pytest.fixture(scope="session")
def valkey_socket() -> Iterator[str]:
    """The Unix socket of a Valkey that lives as long as the test session."""
    binary = find_server()
    if binary is None:
        pytest.fail("no valkey-server: the tests' own lock installs one")
    directory = Path(tempfile.mkdtemp(prefix="bt-vk-"))  # short: a socket's path has at most 107 bytes
    path = directory / "v.sock"
    arguments = ["--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700", "--save", ""]
    with subprocess.Popen([str(binary), *arguments, "--dir", str(directory)], stdout=subprocess.DEVNULL) as server:
        try:
            wait_until(lambda: _ask(path, b"PING") == b"+PONG\r\n", what="Valkey's answer")
            yield str(path)
        finally:
            server.kill()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def redis_url(valkey_socket: str) -> str:
    """A URL of the session's Valkey, emptied before the test."""
    assert _ask(Path(valkey_socket), b"FLUSHALL") == b"+OK\r\n"
    return f"unix://{valkey_socket}"


def _ask(path: Path, command: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(path))
        except OSError:
            return b""
        connection.sendall(command + b"\r\n")
        return connection.recv(64)
