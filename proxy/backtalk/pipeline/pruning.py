"""Keeps the disk bounded: of old runs the artefacts and datasets go, what they were stays in the log and in lineage.

In: a pipeline's folder and how many runs it keeps. Out: bytes that are free again. The one rule: nothing goes that a
name means now, or that a kept run stands on.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from backtalk import clock
from backtalk.lineage.catalogue import Catalogue
from backtalk.lineage.keeping import retire_dataset
from backtalk.lineage.log import LineageLog
from backtalk.pipeline import state_log
from backtalk.pipeline.dataset_steps import DATASETS
from backtalk.pipeline.events import Pruned, RunState
from backtalk.pipeline.folders import Home

LARGE: Final = ("artefact", "current", "candidate", "backtalk", "logs")
"""The folders of a run that take room, besides its datasets."""
ACTOR: Final = "pipeline"


def prune(data_dir: Path, place: Home, keep_runs: int) -> int:
    """Delete what old runs left, but for the last `keep_runs`; repeated after a kill it goes on."""
    states = state_log.states(place)
    known = Catalogue(LineageLog(data_dir).records())
    old = [one for one in states[:-keep_runs] if one.ended is not None and not one.pruned]
    kept = [one for one in states if one not in old or _is_needed(known, one)]
    held = {name for one in kept for name in _datasets(one)}
    freed = 0
    for one in old:
        if not _is_needed(known, one):
            freed += _prune_one(data_dir, known, place.runs / one.run_id, one, held)
    return freed


def _prune_one(data_dir: Path, known: Catalogue, folder: Path, one: RunState, held: set[str]) -> int:
    """Datasets are retired before their files go, so that lineage misses none."""
    built = [(entry, Path(entry.built.manifest).parent) for entry in known.datasets]
    mine = [(entry, path) for entry, path in built if path.parent == folder / DATASETS]
    gone = [*(folder / name for name in LARGE), *(path for entry, path in mine if entry.built.dataset_id not in held)]
    for entry, path in mine:
        if path in gone and entry.retired is None:
            reason = f"{one.began.pipeline} keeps the datasets of its latest runs"
            retire_dataset(data_dir, entry.built.dataset_id, actor=ACTOR, reason=reason)
    freed = sum(_bytes(path) for path in gone)
    for path in gone:
        shutil.rmtree(path, ignore_errors=True)
    state_log.append(folder, Pruned(clock.now().wall_ns, freed))
    return freed


def _is_needed(known: Catalogue, one: RunState) -> bool:
    """Whether a name means something of the run."""
    runs = {outputs["run"] for outputs in one.finished.values() if "run" in outputs}
    meant = {value for _, ref in known.refs.values() for value in ref.target.values()}
    return bool(meant & (runs | set(_datasets(one)) | set(_artefact(one))))


def _datasets(one: RunState) -> Iterator[str]:
    for step in ("dataset", "evaluation"):
        if name := one.finished.get(step, {}).get("dataset_id"):
            yield str(name)


def _artefact(one: RunState) -> Sequence[str]:
    return [str(one.finished["train"]["artefact"])] if "train" in one.finished else []


def _bytes(path: Path) -> int:
    return sum(file.lstat().st_size for file in path.rglob("*") if file.is_file()) if path.is_dir() else 0
