"""The door for trainers: what a job's settings may be, and what the conformance suite finds out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, ConfigDict

from backtalk.errors import SetupError
from backtalk.plugin import Trained, Trainer, TrainingJob, job_settings
from backtalk.plugin.discovery import TRAINERS, check, load_trainer
from backtalk.testing.trainers import check_trainer


class Epochs(BaseModel):
    """Settings of a job."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    epochs: int = 1


class Good:
    """A trainer that keeps every promise."""

    name: ClassVar[str] = "good"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1"

    def train(self, job: TrainingJob, progress: Callable[[str], None]) -> Trained:
        """Writes a file."""
        settings = job_settings(self.name, Epochs, job.settings)
        job.artefact.mkdir(parents=True, exist_ok=True)
        (job.artefact / "weights").write_text(f"{settings.epochs}", encoding="utf-8")
        progress("trained")
        return Trained(str(job.artefact), None, "good-1", {"loss": 0.5}, {"epochs": settings.epochs})


class Silent(Good):
    """Says nothing."""

    def train(self, job: TrainingJob, progress: Callable[[str], None]) -> Trained:
        """Keeps its progress to itself."""
        del progress
        return super().train(job, lambda _: None)


class Careless(Good):
    """Takes any setting."""

    def train(self, job: TrainingJob, progress: Callable[[str], None]) -> Trained:
        """Ignores what it does not know."""
        return super().train(TrainingJob(job.dataset, job.dataset_id, job.artefact), progress)


class Rewriting(Good):
    """Writes into the dataset."""

    def train(self, job: TrainingJob, progress: Callable[[str], None]) -> Trained:
        """Leaves a cache beside the rows."""
        trained = super().train(job, progress)
        (job.dataset / "cache").write_bytes(b"x")
        return trained


class Telling(Good):
    """Tells what it should not."""

    def train(self, job: TrainingJob, progress: Callable[[str], None]) -> Trained:
        """Says the key."""
        trained = super().train(job, progress)
        progress("with the key sk-secret")
        return trained


class Unmeasured(Good):
    """Measured nothing that is a number."""

    def train(self, job: TrainingJob, progress: Callable[[str], None]) -> Trained:
        """A loss that is none."""
        super().train(job, progress)
        return Trained(str(job.artefact), None, "good-1", {"loss": float("nan")})


def a_job(tmp_path: Path, **settings: Any) -> TrainingJob:
    """A job over a dataset of one file."""
    dataset = tmp_path / "dataset"
    dataset.mkdir()
    (dataset / "manifest.json").write_text("{}", encoding="utf-8")
    return TrainingJob(dataset, "0f3a9c1d22b47e65", tmp_path / "artefact", settings)


def test_a_trainer_needs_no_base_class(tmp_path: Path) -> None:
    """It conforms, and what it trained comes back."""
    assert isinstance(Good(), Trainer)
    trained = check_trainer(Good(), a_job(tmp_path, epochs=2), secrets=("sk-secret",))
    assert trained == Trained(str(tmp_path / "artefact"), None, "good-1", {"loss": 0.5}, {"epochs": 2})


@pytest.mark.parametrize(
    ("trainer", "why"),
    [
        (Silent, "said nothing of its progress"),
        (Careless, "took a setting that it does not know"),
        (Rewriting, "changed the dataset"),
        (Telling, "told a secret"),
        (Unmeasured, "measured loss as nan"),
    ],
)
def test_each_broken_promise_is_found(tmp_path: Path, trainer: type[Good], why: str) -> None:
    """By its name, in one sentence."""
    with pytest.raises(AssertionError, match=f"good {why}"):
        check_trainer(trainer(), a_job(tmp_path), secrets=("sk-secret",))


def test_a_wrong_setting_is_named_with_its_trainer() -> None:
    """And with what would be right."""
    with pytest.raises(SetupError, match="the trainer good: epochs: Input should be a valid integer"):
        job_settings("good", Epochs, {"epochs": "many"})


def test_another_method_is_refused_before_a_job() -> None:
    """The door knows what a trainer has."""

    class Renamed(Good):
        def train(self, task: object, tell: object) -> Trained:  # pyright: ignore[reportIncompatibleMethodOverride]
            """Never runs."""
            raise NotImplementedError(task, tell)

    with pytest.raises(SetupError, match=r"must be train\(self, job, progress\)"):
        check(TRAINERS, "renamed", Renamed)


def test_an_unknown_trainer_is_refused_with_those_there_are() -> None:
    """A typing error is seen at once."""
    with pytest.raises(SetupError, match=r"no plugin named nobody in backtalk\.trainers; installed are"):
        load_trainer("nobody", {})
