"""Makes a dataset that counts: announced while it is built, registered when it is there.

In: a data directory, a recipe, a folder or a `.jsonl` file to write. Out: the dataset and its record. The one rule:
whoever reads texts of the ledger into files says so before and is found afterwards, however it ends.
"""

import os
from pathlib import Path
from typing import NamedTuple

from backtalk.datasets.build import FILE_SUFFIX, Built, build, build_file, hidden_name
from backtalk.datasets.progress import Progress
from backtalk.datasets.recipe import Recipe
from backtalk.datasets.sweeping import sweep
from backtalk.lineage import builds, keeping
from backtalk.lineage.builds import Build
from backtalk.lineage.records import Record


class Made(NamedTuple):
    """A dataset and the record that says so."""

    built: Built
    record: Record


def make(
    data_dir: Path,
    recipe: Recipe,
    out: Path,
    *,
    actor: str,
    previous: Path | None = None,
    progress: Progress | None = None,
) -> Made:
    """Build and register under the name of the folder or file; what killed builds have left is put right before."""
    sweep(data_dir)
    ledger, is_file, place = data_dir / "ledger", out.suffix == FILE_SUFFIX, out.absolute()
    with builds.announced(data_dir, Build(str(place), hidden_name(out), is_file, actor, os.getpid())) as announced:
        if is_file:
            built = build_file(ledger, recipe, out, progress=progress, ready=announced.complete)
        else:
            built = build(ledger, recipe, out, previous=previous, progress=progress, ready=announced.complete)
        return Made(built, keeping.register_dataset(data_dir, out, actor=actor, name=out.stem))
