"""Lets the trained model answer while it is measured: a server of the owner's, and a Backtalk before it.

In: how the pipeline says that it is served. Out: a base URL and a model's name, for as long as the block lasts. The one
rule: what is started here ends with the block, and with this process.
"""

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Final

from backtalk import clock
from backtalk.errors import SetupError, UpstreamError
from backtalk.guard import guarded
from backtalk.pipeline.definition import Pipeline
from backtalk.pipeline.measuring import Served
from backtalk.plugin import Trained
from backtalk.settings import plain_environ, variable

GRACE_S: Final = 5.0
"""So long may a server take to end in its own order."""
_LOOK_S: Final = 0.1
_LOOPBACK: Final = "127.0.0.1"
_LAST_BYTES: Final = 2_000


@contextlib.contextmanager
def serving(pipeline: Pipeline, trained: Trained, run: Path) -> Generator[Served]:
    """The trained model, ready to be asked; raises `UpstreamError` where its server does not come up."""
    asked = pipeline.serve
    model = asked.model or trained.model
    if not asked.command:
        yield Served(pipeline.evaluate.base_url, model)
        return
    port = asked.port or free_port()
    command = filled(asked.command, {"artefact": trained.artefact, "model": model, "port": str(port)})
    with started(command, port, run / "logs" / "server.log", asked.ready_s, cwd=pipeline.folder):
        if asked.port is not None:
            yield Served(pipeline.evaluate.base_url, model)
            return
        with _backtalk_before(port, run) as base_url:
            yield Served(base_url, model)


def filled(command: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """A command with the values in the places that are named in braces; other braces stay."""
    words = list(command)
    for name, value in values.items():
        words = [word.replace("{" + name + "}", value) for word in words]
    return words


@contextlib.contextmanager
def _backtalk_before(port: int, run: Path) -> Generator[str]:
    """A Backtalk of the run's own, which keeps no texts and is gone afterwards."""
    public, admin = _same_port(run / "port"), free_port()
    data_dir = run / "backtalk"
    shutil.rmtree(data_dir, ignore_errors=True)
    command = [sys.executable, "-m", "backtalk", "serve", "--upstream", f"http://{_LOOPBACK}:{port}/v1"]
    command += ["--host", _LOOPBACK, "--port", str(public), "--admin-port", str(admin), "--data-dir", str(data_dir)]
    keep_none = {variable(("capture", "mode")): "none"}
    try:
        with started(command, public, run / "logs" / "backtalk.log", 60.0, cwd=run, more=keep_none):
            yield f"http://{_LOOPBACK}:{public}/v1"
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


@contextlib.contextmanager
def started(
    command: Sequence[str], port: int, log: Path, ready_s: float, *, cwd: Path, more: Mapping[str, str] | None = None
) -> Generator[None]:
    """A server that listens on a port; its words go to `log`."""
    if listens(port):
        raise UpstreamError(f"port {port} is taken: the model's server cannot listen there", code="candidate_not_ready")
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("wb") as words,
        guarded(command, output=words, grace_s=GRACE_S, cwd=cwd, environ=plain_environ() | dict(more or {})) as server,
    ):
        _wait_for(server.process, port, log, ready_s)
        yield


def _wait_for(process: "subprocess.Popen[bytes]", port: int, log: Path, ready_s: float) -> None:
    end_ns = clock.monotonic_ns() + int(ready_s * clock.NS_PER_S)
    while not listens(port):
        if process.poll() is not None:
            message = f"the model's server ended with status {process.returncode}: {_last_words(log)}"
            raise UpstreamError(message, code="candidate_not_ready")
        if clock.monotonic_ns() > end_ns:
            message = f"nothing listens on port {port} after {ready_s:g} s: {_last_words(log)}"
            raise UpstreamError(message, code="candidate_not_ready")
        time.sleep(_LOOK_S)


def listens(port: int) -> bool:
    """Whether somebody takes connections on a port of this machine."""
    with contextlib.suppress(OSError), socket.create_connection((_LOOPBACK, port), timeout=1):
        return True
    return False


def free_port() -> int:
    """A port that nobody listens on now."""
    try:
        with socket.socket() as found:
            found.bind((_LOOPBACK, 0))
            return int(found.getsockname()[1])
    except OSError as error:
        raise SetupError(f"there is no free port: {error.strerror}", code="no_port") from error


def _same_port(kept: Path) -> int:
    """The port of an earlier attempt where it is free: what was scored at that URL need not be asked again."""
    known = kept.read_text(encoding="ascii").strip() if kept.is_file() else ""
    port = int(known) if known.isdigit() and not listens(int(known)) else free_port()
    kept.write_text(str(port), encoding="ascii")
    return port


def _last_words(log: Path) -> str:
    text = log.read_bytes()[-_LAST_BYTES:].decode("utf-8", "replace").strip()
    return text or f"it said nothing ({log})"
