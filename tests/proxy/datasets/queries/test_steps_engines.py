"""The queries give the same on every engine."""

import json
import os
import shutil
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from backtalk.datasets.engine import Engine
from backtalk.testing.any_ledger import any_ledger, write_any
from backtalk.testing.engines import digest_of, digests

ROOT: Final = Path(__file__).parents[4]
PYTHON: Final = ROOT / ".venvs/engines/bin/python"
SMALL, LARGE = 300, 600
GOLDEN: Final = "82799352bd2b3178aeb687838e845194613c1ec08cb2a06196ede40444af1c1c"


def on_duckdb(root: Path) -> Any:
    """What each query gives here."""
    with tempfile.TemporaryDirectory() as folder, closing(Engine(root, Path(folder))) as engine:

        def keep(name: str, query: str) -> None:
            engine.drop(name)
            engine.keep(name, query)

        return digests(keep, engine.rows, "duckdb")


def test_results_are_those_that_were_proven(tmp_path: Path) -> None:
    """Whoever changes what is selected changes this digest, and proves it on the other engines: `make test-engines`."""
    found = on_duckdb(write_any(tmp_path, any_ledger(1, SMALL)))
    assert all(count for name, (count, _) in found.items() if not name.endswith(".beyond"))
    assert digest_of(found) == GOLDEN


@pytest.mark.engines
@pytest.mark.parametrize("engine", ["chdb", "pyspark"])
def test_every_engine_gives_the_same(engine: str, tmp_path: Path) -> None:
    """Row by row, of a ledger of hostile texts, nulls, repeats and tables of an older release."""
    if engine == "pyspark" and shutil.which("java") is None:
        pytest.skip("Spark needs a Java 17 on the PATH")
    root = write_any(tmp_path / "ledger", any_ledger(1, LARGE))
    program = [str(PYTHON), "-m", "backtalk.testing.engines", engine, str(root)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "proxy")}  # noqa: TID251 -- a program of its own
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2_000:]
    assert json.loads(done.stdout.splitlines()[-1]) == json.loads(json.dumps(on_duckdb(root)))
