"""A real `backtalk serve`, started as a process of its own with free ports, for tests and for the demo.

In: an upstream and settings. Out: `Backtalk`, ready to be called: its URLs, its admin token, its processes by kind. The
one rule: whatever happens in the block, the whole tree of processes is gone behind it.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, cast

from backtalk import settings as settings_of
from backtalk.testing.load.processes import command, tree
from backtalk.testing.waiting import wait_until

ChildKind = Literal["proxy", "worker", "admin", "redis"]
"""The processes of one Backtalk beside its supervisor."""

_PUBLIC: Final = "Backtalk listens on "
_ADMIN: Final = "Admin on "
_KEPT_LINES: Final = 2_000
_URL: Final = re.compile(r"http://[^\s,/]+")


class Backtalk:
    """One running `backtalk serve`."""

    def __init__(self, process: subprocess.Popen[str], data_dir: Path) -> None:
        self.process = process
        self.data_dir = data_dir
        self.lines: list[str] = []
        """What it printed, stdout and stderr, up to a bound."""
        self._reader = threading.Thread(target=self._read, name="serve-output", daemon=True)
        self._reader.start()

    @property
    def url(self) -> str:
        """The public listener, as `http://127.0.0.1:PORT`; a client's `base_url` is this and `/v1`."""
        return self._said(_PUBLIC) or ""

    @property
    def admin_url(self) -> str:
        """The admin listener."""
        return self._said(_ADMIN) or ""

    @property
    def admin_token(self) -> str:
        """The admin listener's bearer token."""
        return (self.data_dir / "admin-token").read_text(encoding="ascii").strip()

    @property
    def output(self) -> str:
        """Everything that was printed."""
        return "".join(self.lines)

    def ready(self) -> bool:
        """Whether both listeners answer; raises `RuntimeError` with the output when the process has ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"`backtalk serve` ended with {self.process.returncode}:\n{self.output}")
        if not (self.url and self.admin_url):
            return False
        with contextlib.suppress(OSError, ValueError):
            return self.admin("/readyz")[0] == 200 and _answers(self.url)
        return False

    def admin(self, path: str) -> tuple[int, Any]:
        """GET a JSON document from the admin listener, as status and body."""
        headers = {"authorization": f"Bearer {self.admin_token}"}
        return _get(urllib.request.Request(self.admin_url + path, headers=headers))  # noqa: S310 -- our own listener

    def trace(self, trace_id: str) -> dict[str, Any] | None:
        """The trace document; None while nothing is known of the trace."""
        status, document = self.admin(f"/v1/traces/{trace_id}")
        return document if status == 200 else None

    def wait_for_trace(
        self, trace_id: str, holds: Callable[[dict[str, Any]], object] = bool, timeout_s: float = 10.0
    ) -> dict[str, Any]:
        """Wait until the trace document exists and `holds` of it."""

        def look() -> dict[str, Any] | None:
            document = self.trace(trace_id)
            return document if document is not None and holds(document) else None

        return wait_until(look, timeout_s, what=f"what was expected of the trace {trace_id}")

    def pids(self, kind: ChildKind) -> list[int]:
        """The running processes of a kind."""
        wanted = {"redis": ("valkey-server", "redis-server")}.get(kind, (f"_child {kind}",))
        return [pid for pid in tree(self.process.pid) if any(word in command(pid) for word in wanted)]

    def signal_children(self, kind: ChildKind, number: signal.Signals = signal.SIGKILL) -> list[int]:
        """Send a signal to every process of a kind; returns whom it was sent to."""
        pids = self.pids(kind)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return pids

    def stop(self, timeout_s: float = 10.0) -> int:
        """Ask it to end, and make it end when it does not; returns its exit status."""
        everyone = tree(self.process.pid)
        if self.process.poll() is None:
            self.process.terminate()
        try:
            status = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            for pid in everyone:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            status = self.process.wait(timeout_s)
        self._reader.join(timeout_s)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status

    def _said(self, start: str) -> str | None:
        for line in tuple(self.lines):
            found = _URL.match(line.partition(start)[2])
            if found:
                return found[0]
        return None

    def _read(self) -> None:
        for line in self.process.stdout or ():
            if len(self.lines) < _KEPT_LINES:
                self.lines.append(line)


@contextlib.contextmanager
def running_backtalk(
    upstream: str,
    data_dir: Path,
    *,
    environ: Mapping[str, str] | None = None,
    workers: int = 1,
    wait_ready: bool = True,
    timeout_s: float = 30.0,
    **settings: Any,
) -> Generator[Backtalk]:
    """Run `backtalk serve` in `data_dir`; `settings` are fields by path, as in `session__header="x-chat"`."""
    backtalk = start_backtalk(upstream, data_dir, environ=environ, workers=workers, **settings)
    try:
        if wait_ready:
            wait_until(backtalk.ready, timeout_s, what="readiness of `backtalk serve`")
        yield backtalk
    except TimeoutError as error:
        error.add_note(backtalk.output)
        raise
    finally:
        backtalk.stop()


def start_backtalk(
    upstream: str, data_dir: Path, *, environ: Mapping[str, str] | None = None, workers: int = 1, **settings: Any
) -> Backtalk:
    """Start `backtalk serve` without waiting; whoever calls this calls `stop`."""
    arguments = ["serve", "--upstream", upstream, "--host", "127.0.0.1", "--port", "0", "--admin-port", "0"]
    arguments += ["--workers", str(workers), "--data-dir", str(data_dir)]
    given = {settings_of.variable(tuple(name.split("__"))): _as_variable(value) for name, value in settings.items()}
    process = subprocess.Popen(  # noqa: S603 -- our own program
        [sys.executable, "-m", "backtalk", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=settings_of.plain_environ() | given | dict(environ or {}),
    )
    return Backtalk(process, data_dir)


def _as_variable(value: object) -> str:
    return ",".join(map(str, cast("tuple[object, ...]", value))) if isinstance(value, tuple) else str(value)


def _answers(url: str) -> bool:
    """Whether the public listener speaks: its feedback door gives its schema by itself, without the upstream."""
    status, _ = _get(urllib.request.Request(f"{url}/v1/feedback/schema"))  # noqa: S310 -- our own listener
    return status == 200


def _get(request: urllib.request.Request) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 -- our own listener
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
