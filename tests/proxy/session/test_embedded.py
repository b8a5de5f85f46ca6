"""The server of our own: on a socket only, alone in its directory, durable, and gone with its parent."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backtalk.errors import SetupError
from backtalk.session import embedded
from backtalk.session.embedded import SOCKET_PATH_BYTES, EmbeddedServer, find_server
from backtalk.testing.waiting import wait_until

Start = Callable[[EmbeddedServer], "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers, waits until they answer, and ends them."""
    started: list[subprocess.Popen[bytes]] = []

    def start(server: EmbeddedServer) -> subprocess.Popen[bytes]:
        process = server.start()
        started.append(process)
        wait_until(server.answers, 5, what="the server answering")
        return process

    yield start
    for process in started:
        EmbeddedServer.stop(process)


def ask(server: EmbeddedServer, *words: str) -> bytes:
    """Send one command and read its reply's first bytes."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(server.path))
        client.sendall((" ".join(words) + "\r\n").encode())
        return client.recv(4096)


def test_a_server_is_found() -> None:
    """On PATH or in the wheel; it can be run."""
    found = find_server()
    assert found is not None
    assert os.access(found, os.X_OK)


def test_without_any_server_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Redis gets a sentence, not a traceback."""
    monkeypatch.setattr(embedded, "find_server", lambda: None)
    with pytest.raises(SetupError, match="REDIS_URL"):
        EmbeddedServer(tmp_path)


def test_it_listens_on_a_private_socket_only(tmp_path: Path, start: Start) -> None:
    """No TCP port; socket and directory are closed to others."""
    server = EmbeddedServer(tmp_path / "redis")
    start(server)
    assert b"port\r\n$1\r\n0\r\n" in ask(server, "CONFIG GET port")
    assert stat.S_IMODE(server.path.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "redis").stat().st_mode) == 0o700


def test_what_it_holds_survives_a_stop_and_a_kill(tmp_path: Path, start: Start) -> None:
    """Its file brings everything back, on the same socket."""
    server = EmbeddedServer(tmp_path / "redis")
    first = start(server)
    ask(server, "SET stop kept")
    EmbeddedServer.stop(first)
    assert first.returncode == 0
    second = start(server)
    assert b"kept" in ask(server, "GET stop")
    ask(server, "SET kill kept")
    second.kill()
    second.wait()
    start(server)
    assert b"kept" in ask(server, "GET kill")


def test_a_torn_file_is_read_up_to_the_tear(tmp_path: Path, start: Start) -> None:
    """A power loss in the middle of a write costs that write."""
    server = EmbeddedServer(tmp_path / "redis")
    EmbeddedServer.stop(filled(server, start))
    increment = next((tmp_path / "redis").rglob("*.incr.aof"))
    increment.write_bytes(increment.read_bytes()[:-5])
    start(server)
    assert b"kept" in ask(server, "GET first")


def test_a_damaged_file_is_moved_aside_and_said(tmp_path: Path, start: Start) -> None:
    """Where the server refuses its file it begins anew, since all it held can be rebuilt."""
    server = EmbeddedServer(tmp_path / "redis")
    EmbeddedServer.stop(filled(server, start))
    increment = next((tmp_path / "redis").rglob("*.incr.aof"))
    increment.write_bytes(b"*3\r\n$nonsense\r\n" + increment.read_bytes())
    assert server.start().wait(10) != 0
    said = server.after_death()
    assert said is not None
    assert "damaged" in said
    assert (tmp_path / "redis" / "appendonlydir.damaged").is_dir()
    start(server)
    assert ask(server, "DBSIZE").startswith(b":0")


def test_a_long_path_gets_a_short_socket_of_our_own(tmp_path: Path, start: Start) -> None:
    """A deep data directory works; the socket then lies in a directory that only we may enter."""
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    server = EmbeddedServer(deep)
    assert len(os.fsencode(server.path)) <= SOCKET_PATH_BYTES
    assert stat.S_IMODE(server.path.parent.stat().st_mode) == 0o700
    start(server)
    assert ask(server, "PING") == b"+PONG\r\n"
    server.path.unlink(missing_ok=True)
    server.path.parent.rmdir()


def test_two_servers_never_share_a_file(tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one lives, a second is refused, even if the process that started the first is gone."""
    monkeypatch.setattr(embedded, "LOCK_WAIT_S", 0)
    server = EmbeddedServer(tmp_path / "redis")
    start(server)
    with pytest.raises(SetupError, match="another server"):
        EmbeddedServer(tmp_path / "redis").start()


@pytest.mark.skipif(sys.platform != "linux", reason="parent-death signals are Linux")
def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    """A killed parent leaves no server behind."""
    code = (
        "import sys; from pathlib import Path; from backtalk.session.embedded import EmbeddedServer\n"
        "p = EmbeddedServer(Path(sys.argv[1])).start(); print(p.pid, flush=True); p.wait()"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "redis")], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        server = EmbeddedServer(tmp_path / "redis")
        wait_until(server.answers, 5)
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: gone(pid), 5, what="the end of the server")


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def filled(server: EmbeddedServer, start: Start) -> "subprocess.Popen[bytes]":
    """A running server that holds two keys."""
    process = start(server)
    ask(server, "SET first kept")
    ask(server, "SET second perhaps")
    return process
