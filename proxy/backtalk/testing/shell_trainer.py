"""A trainer for tests: a command whose places are filled in, installed for as long as its folder is on the path.

In: a folder. Out: a distribution in it that brings the trainer `shell`. The one rule: it enters by the door of all
trainers, in this process and, by PYTHONPATH, in others.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from backtalk.plugin import Trained, TrainingFailedError, TrainingJob, job_settings

_NAME = "backtalk_shell_trainer-1.0.dist-info"


class Settings(BaseModel):
    """What a job says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: tuple[str, ...]
    model: str = "tuned"


class Shell:
    """Runs a command with {dataset} and {artefact}; what it leaves in the artefact's folder is the model."""

    name: ClassVar[str] = "shell"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    job_settings_model: ClassVar[type[BaseModel]] = Settings

    def train(self, job: TrainingJob, progress: Callable[[str], None]) -> Trained:
        """Run it."""
        settings = job_settings(self.name, Settings, job.settings)
        places = {"{dataset}": str(job.dataset), "{artefact}": str(job.artefact)}
        progress("the command runs")
        words = [places.get(word, word) for word in settings.command]
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 -- a test's own
        if done.returncode:
            raise TrainingFailedError(f"the command failed with status {done.returncode}: {done.stderr[-500:]}")
        return Trained(str(job.artefact), None, settings.model, {"loss": 0.5})


def install_shell_trainer(folder: Path) -> Path:
    """Bring the trainer into a folder that the caller puts on the path."""
    place = folder / _NAME
    place.mkdir(parents=True, exist_ok=True)
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: backtalk-shell-trainer\nVersion: 1.0\n")
    (place / "entry_points.txt").write_text(f"[backtalk.trainers]\nshell = {__name__}:Shell\n")
    return folder
