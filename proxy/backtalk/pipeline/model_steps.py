"""The steps that make and measure the model: training, and the evaluation of what is in use and of what was made.

In: the datasets of the steps before. Out: an artefact and scores, each registered as a run. The one rule: both models
are asked the same rows by the same scorers, through a Backtalk.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from backtalk.datasets.manifest import broken_files
from backtalk.evaluation.registering import register_evaluation
from backtalk.lineage.keeping import register_run, sha256_of
from backtalk.lineage.records import Record, RunRegistered
from backtalk.pipeline.measuring import Served, plan_of, whole
from backtalk.pipeline.serving import serving
from backtalk.pipeline.work import StopError, Work
from backtalk.plugin import Trained, TrainingJob
from backtalk.plugin.discovery import load_trainer


def train(work: Work) -> dict[str, Any]:
    """Let the trainer make a model; what it needs to go on after a kill lies in the artefact's folder."""
    asked, found = work.pipeline.train, work.outputs["dataset"]
    if broken := broken_files(Path(found["path"])):
        raise StopError(
            "not_valid", f"the dataset was changed or erased since it was built: {', '.join(broken[:5])}", {}
        )
    trainer = load_trainer(asked.trainer, work.plugins, asked.settings)
    artefact = work.run / "artefact"
    artefact.mkdir(parents=True, exist_ok=True)
    job = TrainingJob(Path(found["path"]), found["dataset_id"], artefact, asked.settings)
    trained = trainer.train(job, work.say)
    sha256 = trained.sha256 or sha256_of(Path(trained.artefact))
    work.say(f"trained {trained.model}: {trained.artefact}")
    return dict(msgspec.to_builtins(msgspec.structs.replace(trained, sha256=sha256)))


def register(work: Work) -> dict[str, Any]:
    """Write the training down in lineage."""
    trained = trained_of(work)
    name = f"{work.name} training"
    run = _known(work, name)
    if run is None:
        record = register_run(
            work.data_dir,
            name=name,
            purpose="training",
            datasets=[work.outputs["dataset"]["dataset_id"]],
            actor=work.actor,
            artefact=trained.artefact,
            artefact_sha256=trained.sha256,
            base_model=_text(trained.config.get("base_model")),
            trainer=work.pipeline.train.trainer,
            config={"pipeline": work.name, "sha256": work.pipeline.sha256, "model": trained.model, **trained.config},
            metrics=trained.metrics,
        )
        run = _run_id(work, record)
    return {"run": run}


def evaluate_current(work: Work) -> dict[str, Any]:
    """Ask the model that is in use."""
    asked = work.pipeline.evaluate
    return _measured(work, "current", Served(asked.base_url, asked.current))


def evaluate_candidate(work: Work) -> dict[str, Any]:
    """Ask the model that was trained."""
    with serving(work.pipeline, trained_of(work), work.run) as served:
        return _measured(work, "candidate", served)


def trained_of(work: Work) -> Trained:
    """The model of the step `train`."""
    return msgspec.convert(dict(work.outputs["train"]), Trained)


def _measured(work: Work, what: str, served: Served) -> dict[str, Any]:
    folder = work.run / what
    plan = plan_of(work.pipeline, Path(work.outputs["evaluation"]["path"]), served)
    scores = work.measure(plan, folder, work.data_dir / "ledger", work.say)
    whole(scores, work.pipeline.evaluate.max_error_share)
    name = f"{work.name} evaluation of {what}"
    run = _known(work, name)
    if run is None:
        record = register_evaluation(work.data_dir, scores, folder, name=name, actor=work.actor)
        run = _run_id(work, record)
    return {"run": run, "model": served.model, "path": str(folder), "metrics": scores.metrics}


def _known(work: Work, name: str) -> str | None:
    """The run that an attempt registered which was killed behind the record."""
    return next((run.run_id for _, run in work.catalogue.runs if run.name == name), None)


def _run_id(work: Work, record: Record) -> str:
    run = cast("RunRegistered", record.body)
    work.say(f"registered {run.name}, record {record.number}")
    return run.run_id


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


STEPS: Final[Mapping[str, Callable[[Work], dict[str, Any]]]] = {
    "train": train,
    "register": register,
    "evaluate_current": evaluate_current,
    "evaluate_candidate": evaluate_candidate,
}
"""By name, in their order."""
