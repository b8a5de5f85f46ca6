"""Registers an evaluation as a run of lineage.

In: scores and the folder that they lie in. Out: the record. The one rule: what could have changed a score is in the
record: dataset, model, parameters, judge and its prompt, and the hash of the scores themselves.
"""

from pathlib import Path
from typing import Any, Final

import msgspec

from backtalk.evaluation.scores import FILE, Scores
from backtalk.lineage.keeping import register_run, sha256_of
from backtalk.lineage.records import Record

TRAINER: Final = "backtalk evaluate"


def register_evaluation(data_dir: Path, scores: Scores, folder: Path, *, name: str, actor: str) -> Record:
    """Register; the dataset must be registered. Raises `RequestError` where it is not."""
    return register_run(
        data_dir,
        name=name,
        purpose="evaluation",
        datasets=[scores.dataset_id],
        actor=actor,
        artefact=str((folder / FILE).resolve()),
        base_model=scores.model,
        trainer=TRAINER,
        config=config_of(scores, folder),
        metrics=scores.metrics,
    )


def config_of(scores: Scores, folder: Path) -> dict[str, Any]:
    """What the evaluation depended on, as JSON."""
    return {
        "model": scores.model,
        "base_url": scores.base_url,
        "params": dict(scores.params),
        "scorers": list(scores.scorers),
        "judge": None if scores.judge is None else msgspec.to_builtins(scores.judge),
        "schema_sha256": scores.schema_sha256,
        "scores_sha256": sha256_of(folder / FILE),
    }
