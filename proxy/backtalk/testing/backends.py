"""Backends as they are: a real Arize Phoenix and a real MLflow, each from an environment of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Generator, Mapping
from pathlib import Path

from backtalk.settings import plain_environ
from backtalk.testing.waiting import wait_until

_ROOT = Path(__file__).parents[3]
_START_S = 240.0


@contextlib.contextmanager
def running_phoenix(directory: Path, http_port: int, grpc_port: int) -> Generator[str]:
    """A Phoenix of its own, gone behind the block; its address."""
    environ = {
        "PHOENIX_WORKING_DIR": str(directory),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(http_port),
        "PHOENIX_GRPC_PORT": str(grpc_port),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    with _running("phoenix", ("serve",), directory, environ, f"http://127.0.0.1:{http_port}/healthz"):
        yield f"http://127.0.0.1:{http_port}"


@contextlib.contextmanager
def running_mlflow(directory: Path, port: int) -> Generator[str]:
    """An MLflow of its own, gone behind the block; its address. Jobs are off: they cost eight more processes."""
    environ = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    arguments = ("server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1")
    stores = ("--backend-store-uri", f"sqlite:///{directory}/mlflow.db", "--artifacts-destination", str(directory))
    with _running("mlflow", (*arguments, *stores), directory, environ, f"http://127.0.0.1:{port}/health"):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def _running(
    name: str, arguments: tuple[str, ...], directory: Path, environ: Mapping[str, str], health: str
) -> Generator[None]:
    directory.mkdir()
    with (
        (directory / "log").open("wb") as log,
        subprocess.Popen(  # noqa: S603 -- its own program
            [_program(name), *arguments],
            env={**plain_environ(), **environ},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as server,
    ):
        try:
            wait_until(lambda: _is_healthy(health), _START_S, what=f"the health of {name}")
            yield
        finally:
            os.killpg(server.pid, signal.SIGKILL)


def _program(name: str) -> Path:
    places = (_ROOT / f".venvs/{name}/bin/{name}", Path(sys.executable).parent / name)
    found = next((path for path in places if path.exists()), None)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed; `make .venvs/{name}/.ready` installs it")
    return found


def _is_healthy(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 -- our own server
        return bool(answer.status == 200)
    return False
