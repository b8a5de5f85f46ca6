"""A desk's corrections become a better model: the whole of docs/training.md, with a real model and a real training."""

import json
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from backtalk.settings import plain_environ

ROOT: Final = Path(__file__).parents[2]
BACKTALK: Final = ROOT / ".venvs/evaluation/bin/backtalk"
ENVIRONMENTS: Final = (BACKTALK, ROOT / ".venvs/trl/bin/python", ROOT / ".venvs/model/bin/python")
INTERVAL: Final = re.compile(
    r"exact gain \+(0\.\d+|1\.0+), 95% interval \+(0\.\d+|1\.0+) to \+[01]\.\d+, (\d+) cases: above"
)


@pytest.mark.training
@pytest.mark.timeout(5400)
def test_feedback_makes_the_model_better_beyond_chance() -> None:
    """Agents correct, the pipeline trains and measures, the gain's interval lies above 0.1, a row names its agent."""
    if any(not one.exists() for one in ENVIRONMENTS):
        pytest.skip("there is no environment for it: run `make test-training`")
    done = subprocess.run(
        [str(BACKTALK), "demo", "--train"], cwd=ROOT, env=plain_environ(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = INTERVAL.search(done.stdout)
    assert found is not None, done.stdout
    assert float(found[2]) > 0.1
    assert int(found[3]) >= 20
    assert re.search(r"feedback correction .* by [0-9a-f]{32}", done.stdout)
    (measured,) = (ROOT / ".demo/training/data").glob("pipelines/desk/runs/*/artefact/metrics.json")
    facts = json.loads(measured.read_text(encoding="utf-8"))
    assert facts["metrics"]["last_loss"] < facts["metrics"]["first_loss"]
