"""The conformance suite for trainers: what a pipeline relies on, as a function that a plugin's own tests call.

    def test_it_conforms(tmp_path: Path) -> None:
        check_trainer(MyTrainer(), TrainingJob(dataset, "0f3a9c1d22b47e65", tmp_path / "artefact", {"epochs": 1}))

In: a trainer and a job that it can do. Out: what was trained, or an AssertionError that says which promise is broken.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from backtalk.errors import SetupError
from backtalk.plugin.discovery import TRAINERS, check
from backtalk.plugin.training import Trained, Trainer, TrainingJob

LONGEST_LINE: Final = 1000
"""Characters of one line of progress."""
_UNKNOWN: Final = "a_setting_that_no_trainer_has"


def check_trainer(trainer: Trainer, job: TrainingJob, *, secrets: tuple[str, ...] = ()) -> Trained:
    """Assert that a trainer loads, refuses unknown settings, trains, leaves the dataset alone and tells no secret."""
    check(TRAINERS, trainer.name, type(trainer))
    _refuses_unknown_settings(trainer, job)
    before = _hashes(job.dataset)
    lines: list[str] = []
    trained = trainer.train(job, lines.append)
    _demand(_hashes(job.dataset) == before, f"{trainer.name} changed the dataset")
    _demand(bool(lines), f"{trainer.name} said nothing of its progress")
    for line in lines:
        _demand(0 < len(line) <= LONGEST_LINE and line.isprintable(), f"{trainer.name} said no line: {line[:80]!r}")
    _check_trained(trainer.name, trained)
    _tells_none(trainer.name, (json.dumps(msgspec.to_builtins(trained)), *lines, *_texts(job.artefact)), secrets)
    return trained


def _refuses_unknown_settings(trainer: Trainer, job: TrainingJob) -> None:
    unknown: Mapping[str, object] = {**job.settings, _UNKNOWN: 1}
    try:
        trainer.train(msgspec.structs.replace(job, settings=unknown), lambda _: None)
    except SetupError as error:
        _demand(_UNKNOWN in error.message, f"{trainer.name} does not name the setting that it refuses")
    else:
        _demand(False, f"{trainer.name} took a setting that it does not know")


def _check_trained(name: str, trained: Trained) -> None:
    _demand(bool(trained.artefact and trained.model), f"{name} names no artefact or no model")
    sha256 = trained.sha256
    _demand(sha256 is None or len(bytes.fromhex(sha256)) == 32, f"{name} gives {sha256!r} as a sha256")
    for metric, value in trained.metrics.items():
        _demand(math.isfinite(value), f"{name} measured {metric} as {value}")


def _tells_none(name: str, texts: tuple[str, ...], secrets: tuple[str, ...]) -> None:
    for secret in secrets:
        _demand(all(secret not in text for text in texts), f"{name} told a secret")


def _texts(artefact: Path) -> tuple[str, ...]:
    if not artefact.is_dir():
        return ()
    return tuple(file.read_text("utf-8", "replace") for file in artefact.rglob("*") if file.is_file())


def _hashes(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)
