"""What a trainer gets and gives: a built dataset in, a model out.

In: a `TrainingJob`. Out: `Trained`, or a raise. The one rule: what a trainer needs to go on after a kill lies in the
artefact's folder, so that the same job said again pays for nothing twice; a key is named by its variable, never held.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import msgspec
from pydantic import BaseModel, ValidationError

from backtalk.errors import SetupError

_Model = TypeVar("_Model", bound=BaseModel)


class TrainingFailedError(Exception):
    """No model came of it; the message says why, for people, with what the training said last."""


class TrainingJob(msgspec.Struct, frozen=True):
    """One training to do."""

    dataset: Path
    """The folder of a built dataset, `manifest.json` and all; it is only read."""
    dataset_id: str
    artefact: Path
    """A folder of the trainer's own; it may be there already, from the same job before a kill."""
    settings: Mapping[str, Any] = {}
    """As its owner wrote them; the trainer refuses what it does not know."""


class Trained(msgspec.Struct, frozen=True):
    """The model that came of it."""

    artefact: str
    """Where it is: a path or a URI."""
    sha256: str | None
    """Its hash where the trainer knows one; a local artefact is hashed when the run is registered."""
    model: str
    """The name by which it is asked for through an OpenAI-compatible API."""
    metrics: Mapping[str, float] = {}
    config: Mapping[str, Any] = {}
    """What it was trained with, as JSON; no key stands in it."""


@runtime_checkable
class Trainer(Protocol):
    """Makes a model of a dataset. Runs for as long as it takes, in a process of its own.

    An interrupt comes as `KeyboardInterrupt`: the trainer stops what it started and lets it pass.
    A class attribute `job_settings_model` (a pydantic model) lets the host refuse bad settings long before a job.
    """

    name: ClassVar[str]
    api: ClassVar[int]
    version: ClassVar[str]

    def train(self, job: TrainingJob, progress: Callable[[str], None]) -> Trained:
        """Train; a line to `progress` says what goes on. Raises `TrainingFailedError` where no model came of it."""
        ...


def job_settings(trainer: str, model: type[_Model], settings: Mapping[str, Any]) -> _Model:
    """The settings of a job as a trainer's own model; `SetupError` says which one is wrong and why."""
    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "settings"
        raise SetupError(f"the trainer {trainer}: {where}: {first['msg']}", code="bad_trainer_settings") from error
