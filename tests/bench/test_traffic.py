"""The traffic bench as a test: no figure below its bar, through the desk and through a real worker."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent / "traffic.py"
DATA = Path(__file__).resolve().parents[3] / "shared" / "signals" / "dev" / "traffic.jsonl"


@pytest.mark.bench
@pytest.mark.timeout(400)
@pytest.mark.skipif(not DATA.is_file(), reason=f"no recorded traffic at {DATA}")
@pytest.mark.parametrize("through", ["memory", "redis", "worker"])
def test_recorded_traffic_is_understood_no_worse_than_the_bar(through: str, redis_url: str) -> None:
    """The bench prints its table and exits with 1 where a figure is below its bar."""
    environ = {**os.environ, "REDIS_URL": redis_url}  # noqa: TID251  # a child process inherits ours
    bench = subprocess.run(
        [sys.executable, str(BENCH), str(DATA), "--through", through],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert bench.returncode == 0, bench.stdout + bench.stderr
