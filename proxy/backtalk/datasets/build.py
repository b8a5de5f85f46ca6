"""Builds a dataset from the ledger: select, gates, samples, formats, one folder that never changes.

In: the ledger's root, a recipe, a folder that does not exist yet. Out: the folder, put in place as a whole. The one
rule: the tables are pinned to the versions that the manifest names before anything is read, so the same versions give
the same bytes. What a running `backtalk serve` has not committed yet is not in it.
"""

import os
import shutil
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from backtalk.datasets.gates import Gatekeeper
from backtalk.datasets.manifest import FILE, Counts, Inputs, beside, head, manifest_sha256, write_manifest
from backtalk.datasets.output import sync_folders
from backtalk.datasets.progress import DESCRIBING, PLACING, SPLITTING, Progress, followed, untold
from backtalk.datasets.queries.scope import Scope
from backtalk.datasets.recipe import Recipe, Split, instant_ns
from backtalk.datasets.scratch import Scratch
from backtalk.datasets.splits import split
from backtalk.datasets.writing import Written, row_entries, write
from backtalk.errors import SetupError
from backtalk.plugin.discovery import load_redactors

FILE_SUFFIX: Final = ".jsonl"
"""How a dataset's name ends that is to be a single file."""
_SCRATCH: Final = "scratch"
_EVER_NS: Final = (1 << 63) - 1
Ready = Callable[[str], object]
"""Told the manifest's sha256 before the files are put in place."""


class Built(NamedTuple):
    """A dataset that was built."""

    folder: Path
    dataset_id: str
    """The sha256 of the manifest."""
    document: dict[str, Any]
    """The manifest but for its rows and the facts that were left out."""
    left_out: dict[str, int]
    """How many facts made no row, by reason."""


def build(
    ledger_root: Path,
    recipe: Recipe,
    out: Path,
    *,
    previous: Path | None = None,
    progress: Progress | None = None,
    ready: Ready = len,
) -> Built:
    """Build into a new folder; `SetupError` where there is no ledger or the folder is there already."""
    if out.exists():
        raise SetupError(
            f"{out} is there already, and a dataset never changes: name a new folder", code="dataset_exists"
        )
    before = None if previous is None else manifest_sha256(previous)
    with _hidden(out) as folder:
        built = _fill(folder, ledger_root, recipe, before, progress or untold, single=None)
        folder.chmod(0o755)
        ready(built.dataset_id)
        folder.rename(out)
        sync_folders(out.parent, deep=False)
    return built._replace(folder=out)


def build_file(
    ledger_root: Path, recipe: Recipe, out: Path, *, progress: Progress | None = None, ready: Ready = len
) -> Built:
    """Build one file of the recipe's first format, without splits, and `<out>.manifest.json`; both are replaced."""
    if not recipe.formats:
        raise SetupError(f"the recipe {recipe.name} names no format: a single file needs one", code="bad_recipe")
    whole = Split(shares={"all": 1.0}, seed=recipe.split.seed)
    only = recipe._replace(formats=recipe.formats[:1], split=whole)
    with _hidden(out) as folder:
        built = _fill(folder, ledger_root, only, None, progress or untold, single=out.name)
        ready(built.dataset_id)
        (folder / out.name).replace(out)
        (folder / FILE).replace(beside(out))
        sync_folders(out.parent, deep=False)
    return built._replace(folder=out)


def hidden_name(out: Path) -> str:
    """How the folder beside the target is called in which this process builds."""
    return f".{out.name}.{os.getpid()}.tmp"


@contextmanager
def _hidden(out: Path) -> Generator[Path]:
    """A folder beside the target that is gone at the end, whatever happens."""
    folder = out.with_name(hidden_name(out))
    try:
        folder.mkdir(parents=True, mode=0o700)  # one that is there already is another's, and stays
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise SetupError(f"cannot write {out}: {error.strerror}", code="cannot_write") from error


def _fill(
    hidden: Path, ledger_root: Path, recipe: Recipe, previous: str | None, progress: Progress, *, single: str | None
) -> Built:
    aside = hidden / _SCRATCH
    aside.mkdir(mode=0o700)
    with closing(Scratch(aside / "scratch.sqlite")) as scratch:
        inputs = _collected(ledger_root, recipe, aside, scratch, progress)
        rows = scratch.row_count()
        progress(SPLITTING, 0, rows)
        split(scratch, recipe.split.shares, recipe.split.seed)
        written = write(hidden, recipe, scratch, single=single, progress=progress)
        document = head(recipe, inputs, _counts(written), written.files, previous)
        document |= {"unfit_rows": written.unfit} if written.unfit else {}
        entries = followed(row_entries(scratch), DESCRIBING, rows, progress)
        left_out = write_manifest(hidden / FILE, document, entries, scratch.left_out())
    progress(PLACING, rows, rows)
    shutil.rmtree(aside)
    sync_folders(hidden)
    return Built(hidden, manifest_sha256(hidden), document, left_out)


def _collected(ledger_root: Path, recipe: Recipe, aside: Path, scratch: Scratch, progress: Progress) -> Inputs:
    """Fill the scratch file; what was read."""
    from backtalk.datasets.collecting import collect  # noqa: PLC0415 -- DuckDB and Ibis: 60 MB that only a build needs
    from backtalk.datasets.engine import Engine  # noqa: PLC0415
    from backtalk.datasets.selection import Selection  # noqa: PLC0415

    with closing(Engine(ledger_root, aside)) as engine:
        if not engine.versions:
            raise SetupError(f"there is no ledger in {ledger_root}: run `backtalk serve` first", code="no_ledger")
        gatekeeper = Gatekeeper(recipe.gates, load_redactors(recipe.gates.redactors, {}), scratch)
        selection = Selection(engine, scope_of(recipe), progress)
        collect(selection, recipe, gatekeeper, scratch, progress)
        tables = {str(name): version for name, version in engine.versions.items()}
        return Inputs(tables, selection.newest_ns, selection.calls, selection.unseen)


def scope_of(recipe: Recipe) -> Scope:
    """The part of the selection that the tables themselves can answer."""
    select = recipe.select
    return Scope(
        instant_ns(select.since, 0),
        instant_ns(select.until, _EVER_NS),
        select.models,
        select.routes,
        select.tenants,
        select.prompts,
        select.users,
        select.session_feedback == "last_answer",
    )


def _counts(written: Written) -> Counts:
    skipped = {name: dict(sorted(reasons.items())) for name, reasons in written.skipped.items()}
    return Counts(written.balance.rows, written.balance.document(), skipped)
