"""The supervisor: starts everything, restarts what dies, ends in order, leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from backtalk.errors import SetupError
from backtalk.settings import Settings, TargetSettings
from backtalk.supervisor import serve
from backtalk.testing.waiting import wait_until

CHILD = """
import http.server, os, signal, socket, sys
from pathlib import Path
from backtalk.process import Inherited, die_with_parent
from backtalk.settings import load_inherited

kind, inherited = sys.argv[1], Inherited.parse([int(word) for word in sys.argv[2:]])
die_with_parent(inherited.lifeline)
settings = load_inherited()
if (settings.data_dir / "refuse").exists() and kind == "worker":
    sys.exit(2)
with (settings.data_dir / "log").open("a") as log:
    log.write(f"start {kind} {os.getpid()} {settings.redis_url.get_secret_value()}\\n")

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{kind} {os.getpid()}".encode())

    def log_message(self, *args):
        pass

def stop(*_):
    with (settings.data_dir / "log").open("a") as log:
        log.write(f"stop {kind} {os.getpid()} -\\n")
    os._exit(0)

signal.signal(signal.SIGTERM, stop)
if inherited.listener is None:
    signal.pause()
server = http.server.HTTPServer(("", 0), Answer, bind_and_activate=False)
server.socket = socket.socket(fileno=inherited.listener)
inherited.say_ready()
server.serve_forever()
"""

PARENT = """
import sys
from pathlib import Path
from backtalk.settings import Settings
from backtalk.supervisor import serve

settings = Settings(port=0, admin_port=0, data_dir=Path(sys.argv[1]), workers=int(sys.argv[3]))
sys.exit(serve(settings, command=(sys.executable, sys.argv[2])))
"""


class Serving:
    """A running supervisor with its children."""

    def __init__(self, process: "subprocess.Popen[bytes]", data_dir: Path) -> None:
        assert process.stdout is not None
        self.process = process
        self.data_dir = data_dir
        lines = process.stdout.readline() + process.stdout.readline()
        found: list[bytes] = re.findall(rb"http://127\.0\.0\.1:\d+", lines)
        self.public, self.admin = found or (b"", b"")

    def events(self, what: str, kind: str) -> list[int]:
        """The pids of one kind of process that started or stopped, in order."""
        path = self.data_dir / "log"
        lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        return [int(line[2]) for line in lines if line[:2] == [what, kind]]

    def replaced(self, pid: int) -> bool:
        """Whether four others run."""
        return pid not in self.pids() and len(self.pids()) == 4

    def pids(self) -> list[int]:
        """All processes that the supervisor started."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text(encoding="ascii").split()]


def ask(url: bytes) -> str:
    """What answers there."""
    with urllib.request.urlopen(url.decode(), timeout=5) as answer:  # noqa: S310 - our own address
        return str(answer.read().decode())


Begin = Callable[..., Serving]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Starts supervisors and ends them."""
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    started: list[subprocess.Popen[bytes]] = []

    def begin(workers: int = 1) -> Serving:
        words = [sys.executable, "-c", PARENT, str(tmp_path / "data"), str(script), str(workers)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.append(process)
        return Serving(process, tmp_path / "data")

    yield begin
    for process in started:
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_everything_runs_and_the_addresses_are_said(begin: Begin) -> None:
    """Port 0 works, both listeners answer, every child has the embedded server's URL."""
    serving = begin()
    assert ask(serving.public).startswith("proxy ")
    assert ask(serving.admin).startswith("admin ")
    wait_until(lambda: serving.events("start", "worker"), 5)
    assert "unix://" in (serving.data_dir / "log").read_text()


def test_a_dead_child_is_replaced_and_the_others_go_on(begin: Begin) -> None:
    """Proxy, worker, admin and server: each comes back; nobody else is touched."""
    serving = begin()
    wait_until(lambda: len(serving.pids()) == 4, 5)
    for pid in serving.pids():
        before = set(serving.pids())
        os.kill(pid, signal.SIGKILL)
        wait_until(partial(serving.replaced, pid), 10)
        assert before - {pid} <= set(serving.pids())
    assert ask(serving.public).startswith("proxy ")


def test_several_proxies_share_the_port(begin: Begin) -> None:
    """With one killed the other answers at once."""
    serving = begin(2)
    wait_until(lambda: len(serving.events("start", "proxy")) == 2, 5)
    os.kill(serving.events("start", "proxy")[0], signal.SIGKILL)
    assert ask(serving.public) == f"proxy {serving.events('start', 'proxy')[1]}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_end_comes_in_order(begin: Begin, number: signal.Signals) -> None:
    """Proxies, then the worker, then the admin, the server last, also when the terminal closes; the status is 0."""
    serving = begin()
    wait_until(lambda: serving.events("start", "worker") and serving.events("start", "admin"), 5)
    wait_until(lambda: ask(serving.admin), 5)
    serving.process.send_signal(number)
    assert serving.process.wait(20) == 0
    stops = [line.split()[1] for line in (serving.data_dir / "log").read_text().splitlines() if line[:4] == "stop"]
    assert stops == ["proxy", "worker", "admin"]


def test_nothing_survives_a_killed_supervisor(begin: Begin) -> None:
    """SIGKILL of the parent ends every process, and the next start works at once."""
    serving = begin()
    wait_until(lambda: len(serving.pids()) == 4, 5)
    pids = serving.pids()
    serving.process.kill()
    serving.process.wait()
    wait_until(lambda: all(map(gone, pids)), 5, what="the end of all children")
    assert ask(begin().public).startswith("proxy ")


def test_a_child_that_refuses_its_settings_ends_the_whole(begin: Begin, tmp_path: Path) -> None:
    """A setting that no child can work with is a failure of the start, not a loop."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "refuse").touch()
    assert begin().process.wait(20) == 2


def test_a_targets_key_that_is_not_there_is_said_before_anything_starts(tmp_path: Path) -> None:
    """The variable is named, and no child is started again and again."""
    target = TargetSettings(url="http://127.0.0.1:9/v1", api_key_env="NO_SUCH_KEY")
    with pytest.raises(SetupError, match="NO_SUCH_KEY"):
        serve(Settings(port=0, admin_port=0, data_dir=tmp_path, targets={"hosted": target}))


def test_a_port_in_use_is_said_before_anything_starts(tmp_path: Path) -> None:
    """The error names the address and the option."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SetupError, match=f"127.0.0.1:{port}.*--port"):
            serve(Settings(port=port, admin_port=0, data_dir=tmp_path))


def test_virtual_keys_that_cannot_be_read_are_said_before_anything_starts(tmp_path: Path) -> None:
    """Without them everybody would be let in; a child that refuses them would be started again and again."""
    (tmp_path / "keys.json").write_text("{")
    with pytest.raises(SetupError, match=r"keys\.json"):
        serve(Settings(port=0, admin_port=0, data_dir=tmp_path))


def test_a_data_directory_has_one_supervisor(begin: Begin, tmp_path: Path) -> None:
    """A second start on the same data is refused with a sentence."""
    begin()
    with pytest.raises(SetupError, match="--data-dir"):
        serve(Settings(port=0, admin_port=0, data_dir=tmp_path / "data"))
