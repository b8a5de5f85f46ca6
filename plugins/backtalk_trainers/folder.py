"""The artefact's folder as trainers keep it: which job it belongs to, and small files that a kill cannot halve.

In: a job. Out: its folder, claimed. The one rule: a folder belongs to one job for ever.
"""

import json
from pathlib import Path
from typing import Any, Final

from backtalk.plugin import TrainingFailedError, TrainingJob

JOB: Final = "job.json"
METRICS: Final = "metrics.json"


def claimed(job: TrainingJob) -> Path:
    """The job as a file in its folder; raises `TrainingFailedError` where another job has it."""
    job.artefact.mkdir(parents=True, exist_ok=True)
    file = job.artefact / JOB
    said = {
        "dataset": str(job.dataset.resolve()),
        "dataset_id": job.dataset_id,
        "artefact": str(job.artefact.resolve()),
        "settings": dict(job.settings),
    }
    if file.exists() and json.loads(file.read_bytes()) != said:
        raise TrainingFailedError(f"{job.artefact} holds another job: give each job a folder of its own")
    write(file, said)
    return file


def write(file: Path, document: Any) -> None:
    """Write JSON so that a kill leaves the old content or the new."""
    temporary = file.with_name(f".{file.name}.tmp")
    temporary.write_text(json.dumps(document, indent=1), encoding="utf-8")
    temporary.replace(file)


def figures(file: Path) -> dict[str, float]:
    """The numbers in a JSON object; none where there is no file; raises `TrainingFailedError` for anything else."""
    if not file.exists():
        return {}
    try:
        found: Any = json.loads(file.read_bytes())
        return {str(name): float(value) for name, value in found.items() if isinstance(value, int | float)}
    except (ValueError, AttributeError) as error:
        raise TrainingFailedError(f"{file} must hold a JSON object of numbers: {error}") from error
