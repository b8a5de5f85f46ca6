"""All that asks Redis, on every server that this machine has: alone, behind sentinels, and as a cluster."""

import contextlib
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from backtalk.testing import redis_servers

ENVIRONMENT = Path(".venvs/redis")
SUITES = (
    "tests/proxy/session",
    "tests/proxy/detect",
    "tests/proxy/worker",
    "tests/proxy/relay/test_gate.py",
    "tests/proxy/web/test_feedback.py",
    "tests/proxy/web/test_feedback_taking.py",
    "tests/flows/test_redis_keys.py",
)
FOUND = redis_servers.binaries(ENVIRONMENT)
WANTED = ("redis 6.2", "redis 7.", "redis 8.", "valkey 9.")

pytestmark = pytest.mark.redis


@contextlib.contextmanager
def _running(binary: Path, kind: str) -> Generator[str]:
    if kind == "server":
        with redis_servers.running(binary) as server:
            yield server.url
    elif kind == "sentinel":
        with redis_servers.running_sentinel(binary) as (url, *_):
            yield url
    else:
        with redis_servers.running_cluster(binary) as cluster:
            yield cluster.url


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["server", "sentinel", "cluster"])
@pytest.mark.parametrize("wanted", WANTED)
def test_every_suite_holds_on_every_server(wanted: str, kind: str) -> None:
    """Sessions, counts, look-ups and marks are the same on each version, however its keys are found."""
    version = next((version for version in FOUND if version.startswith(wanted)), None)
    if version is None:
        pytest.skip(f"{wanted} is not on this machine; there are {', '.join(FOUND)}")
    with _running(FOUND[version], kind) as url:
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "--timeout=300", "--redis-url", url, *SUITES]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{version} as {kind}: {ran.stdout[-4000:]}"
