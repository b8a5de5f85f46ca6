"""The steps that make and measure the model; whole runs of them are in `test_running.py`."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from backtalk.datasets.build import build
from backtalk.datasets.recipe import load_recipe
from backtalk.errors import SetupError, UpstreamError
from backtalk.lineage import keeping
from backtalk.lineage.keeping import sha256_of
from backtalk.model.meter import NoMeter
from backtalk.pipeline.model_steps import STEPS, trained_of
from backtalk.pipeline.work import Work
from backtalk.plugin import TrainingFailedError
from backtalk.testing.ledgers import write_facts
from backtalk.testing.pipelines import a_pipeline, corrected_calls, measured, silent

pytestmark = pytest.mark.usefixtures("trainers")


def work(folder: Path, settings: dict[str, Any], outputs: Any = None, evaluate: str = "") -> Work:
    """A run whose dataset is built, with a trainer's settings."""
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in settings.items())
    pipeline = a_pipeline(tables=f"[train.settings]\n{lines}", trainer="shell", evaluate=evaluate)
    write_facts(folder / "ledger", *corrected_calls(3))
    build(folder / "ledger", load_recipe("dpo"), folder / "run" / "dataset")
    name = str(keeping.register_dataset(folder, folder / "run" / "dataset", actor="ada").body.dataset_id)  # type: ignore[union-attr]
    made = {"path": str(folder / "run" / "dataset"), "dataset_id": name}
    found: dict[str, Any] = {"dataset": made, "evaluation": made} | (outputs or {})
    return Work(folder, pipeline, folder / "run", "ada", {}, NoMeter(), measured, found, silent)


def test_an_artefact_on_this_machine_is_hashed(tmp_path: Path) -> None:
    """And its folder is there before the trainer is."""
    command = [sys.executable, "-c", "import sys; open(sys.argv[1] + '/w', 'w').write('x')", "{artefact}"]
    found = STEPS["train"](work(tmp_path, {"command": command, "model": "tuned"}))
    assert (found["artefact"], found["model"]) == (str(tmp_path / "run" / "artefact"), "tuned")
    assert found["sha256"] == sha256_of(tmp_path / "run" / "artefact")


def test_a_trainer_that_fails_or_does_not_know_a_setting_says_so(tmp_path: Path) -> None:
    """In its own words."""
    with pytest.raises(TrainingFailedError):
        STEPS["train"](work(tmp_path, {"command": [sys.executable, "-c", "raise SystemExit('no')"]}))
    with pytest.raises(SetupError, match="a_setting_that_no_trainer_has"):
        STEPS["train"](work(tmp_path / "other", {"command": ["true"], "a_setting_that_no_trainer_has": 1}))


def test_a_training_is_registered_once(tmp_path: Path) -> None:
    """With the pipeline's run, its own configuration and its figures."""
    trained: dict[str, Any] = {
        "artefact": "s3://m/1",
        "sha256": "0" * 64,
        "model": "m",
        "metrics": {"loss": 0.5},
        "config": {"base_model": "b"},
    }
    one = work(tmp_path, {"command": ["true"]}, {"train": trained})
    assert STEPS["register"](one) == STEPS["register"](one)
    (found,) = [run for _, run in one.catalogue.runs]
    assert (found.name, found.base_model, found.metrics) == ("support/run training", "b", {"loss": 0.5})
    assert found.config["pipeline"] == "support/run"
    assert trained_of(one).model == "m"


def test_a_model_that_cannot_be_asked_fails_the_step(tmp_path: Path) -> None:
    """It is no worse a model for it."""
    one = work(tmp_path, {"command": ["true"]}, evaluate='base_url = "http://127.0.0.1:9/v1"')

    build(tmp_path / "ledger", load_recipe("eval"), tmp_path / "cases")
    outputs = {"evaluation": {"path": str(tmp_path / "cases"), "dataset_id": "x"}}
    with pytest.raises(UpstreamError, match="3 of 3 rows got no answer"):
        STEPS["evaluate_current"](one._replace(outputs=outputs))
