"""Takes a person's rows out of every dataset that is registered: a new version comes, the old one's files go.

In: the keys of erased calls and facts. Out: how much was erased, the paths that this does not reach, and the runs that
have learned from the rows. The one rule: write, register, mark, delete, in this order, each repeatable: a kill at any
moment leaves either the old files or a new version that is registered. The old record and its kept manifest stay: they
hold ids and hashes. What killed builds have left is put right before.
"""

import errno
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from backtalk.datasets.build import FILE_SUFFIX
from backtalk.datasets.erasing_logs import erase_logs
from backtalk.datasets.manifest import FILE, beside, manifest_sha256
from backtalk.datasets.rewriting import rewrite
from backtalk.datasets.rewriting_file import rewrite_file
from backtalk.datasets.sweeping import sweep
from backtalk.errors import SetupError, StoreError
from backtalk.lineage import keeping, manifests
from backtalk.lineage.catalogue import Catalogue, Entry
from backtalk.lineage.log import LineageLog
from backtalk.lineage.manifests import ManifestRow
from backtalk.lineage.records import DatasetBuilt
from backtalk.spool.erasures import Trained

_MOST_LISTED: Final = 100
"""So many files of one folder are named at most."""
_REFUSED: Final = frozenset((errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.EROFS))
_MARK: Final = ".erased-"
_ACTOR: Final = "erasure"


class Erased(NamedTuple):
    """What was done."""

    datasets: int
    rows: int
    not_reached: tuple[str, ...]
    """Paths that may hold texts still: the operator's to erase."""
    trained: tuple[Trained, ...] = ()
    """Runs that used the rows: what a model has learned stays in it."""
    log_files: int = 0
    """How many files of logs of those runs were deleted."""


class Order(NamedTuple):
    """What is to go: rows that one of these calls or facts made."""

    id: str
    span_ids: AbstractSet[str]
    fact_ids: AbstractSet[str]

    def names(self, row: ManifestRow) -> bool:
        """Whether a row has to go."""
        return bool(self.fact_ids & row.facts) or any(call.span_id in self.span_ids for call in row.calls)


def erase(data_dir: Path, order: Order) -> Erased:
    """Carry out an order; raises `StoreError` where the disk or the lineage fails, and may then be repeated."""
    done = [Erased(0, 0, sweep(data_dir))]
    known = Catalogue(LineageLog(data_dir).records())
    standing = [one for one in known.datasets if known.places[one.built.manifest][1].dataset_id == one.built.dataset_id]
    for entries in _by_id(standing):
        paths = tuple(entry.built.manifest for entry in entries)
        try:
            done.append(_erase_one(data_dir, entries, order))
        except SetupError:
            done.append(Erased(0, 0, paths))
        except OSError as error:
            if error.errno not in _REFUSED:
                message = f"{paths[0]} cannot be written anew: {error.strerror}"
                raise StoreError(message, code="dataset_not_erased") from error
            done.append(Erased(0, 0, paths))
    not_reached = dict.fromkeys(path for one in done for path in one.not_reached)
    used = [entry.built for entry in known.datasets if _named(data_dir, entry.built, order)]
    trained = tuple(_trained(known, {built.dataset_id for built in used}))
    logs = erase_logs(data_dir, [*(one.artefact_uri or "" for one in trained), *(built.manifest for built in used)])
    return Erased(
        sum(one.datasets for one in done),
        sum(one.rows for one in done),
        (*not_reached, *logs.not_reached),
        trained,
        logs.files,
    )


def _trained(known: Catalogue, dataset_ids: AbstractSet[str]) -> Iterator[Trained]:
    """The runs that used one of the datasets, also one that an order before has erased."""
    for _, run in known.runs:
        if dataset_ids & set(run.dataset_ids):
            yield Trained(run.run_id, run.name, run.purpose, run.artefact_uri)


def _by_id(entries: Iterable[Entry]) -> Sequence[Sequence[Entry]]:
    """Datasets with all the names under which each was registered."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.built.dataset_id, []).append(entry)
    return list(found.values())


def _named(data_dir: Path, built: DatasetBuilt, order: Order) -> AbstractSet[int]:
    """The rows that an order names, by the kept manifest; none where that was changed: it holds up nothing else."""
    try:
        return {row.row for row in manifests.load(data_dir, built).rows if order.names(row)}
    except StoreError:
        return frozenset()


def _dropped(data_dir: Path, entry: Entry, order: Order) -> AbstractSet[int]:
    """The rows that have to go; none where an order before this one left no files."""
    if entry.erased is not None and entry.erased.erasure_id != order.id:
        return frozenset()
    try:
        manifest = manifests.load(data_dir, entry.built)
    except StoreError as error:  # a kept manifest that was changed holds up nothing else
        raise SetupError(error.message, code=error.code) from error
    return {row.row for row in manifest.rows if order.names(row)}


def _erase_one(data_dir: Path, entries: Sequence[Entry], order: Order) -> Erased:
    """Erase one dataset in every folder under which it is registered."""
    old = entries[0]
    gone = _dropped(data_dir, old, order)
    reached = [entry for entry in entries if _is_folder(entry.built) or _is_file(entry)]
    missed = [entry.built.manifest for entry in entries if entry not in reached]
    if not gone or not reached:
        return Erased(0, 0, tuple(missed) if gone else ())
    if old.erased is None:
        renewed = [_renew(data_dir, entry, order, gone) for entry in reached]
        new = renewed[0]
        if old.retired is not None:
            keeping.retire_dataset(data_dir, new.dataset_id, actor=_ACTOR, reason=old.retired)
        keeping.mark_erased(data_dir, old.built.dataset_id, erasure_id=order.id, replaced_by=new, actor=_ACTOR)
    others = [path for entry in reached for path in _emptied(entry.built)]
    return Erased(1, len(gone), (*missed, *others))


def _renew(data_dir: Path, entry: Entry, order: Order, gone: AbstractSet[int]) -> DatasetBuilt:
    """Write the new version beside the old one, and register it under the same name."""
    old, suffix = Path(entry.built.manifest).parent, ""
    if _is_file(entry):
        old, suffix = old / entry.built.files[0].path, FILE_SUFFIX
    begin, dataset_id = old.name.removesuffix(suffix).split(_MARK)[0], entry.built.dataset_id
    out = old.with_name(f"{begin}{_MARK}{order.id[:8]}-{dataset_id[:8]}{suffix}")
    try:
        if suffix:
            rewrite_file(old, out, gone)
        elif not out.exists():
            rewrite(old, out, gone)
    except (LookupError, TypeError, ValueError) as error:  # anybody's manifest may be registered
        raise SetupError(f"{old} is no whole dataset of a build", code="dataset_damaged") from error
    keeping.register_dataset(data_dir, out, actor=_ACTOR, name=entry.built.name)
    return manifests.keep(data_dir, manifests.find(out), name=entry.built.name)


def _is_folder(built: DatasetBuilt) -> bool:
    """Whether it is a build's folder that is still there, and no path in its manifest leads out of it."""
    manifest = Path(built.manifest)
    inside = all(_is_inside(manifest.parent, file.path) for file in built.files)
    has_rows = any(file.path.endswith(".parquet") for file in built.files)
    is_folder = manifest.name == FILE and manifest.is_file() and inside and has_rows
    return is_folder and manifest_sha256(manifest.parent) == built.manifest_sha256


def _is_file(entry: Entry) -> bool:
    """Whether it is a build's single file, with its own manifest beside it, and both are still as they were."""
    built, manifest = entry.built, Path(entry.built.manifest)
    names = [file.path for file in built.files]
    if len(names) != 1 or not names[0].endswith(FILE_SUFFIX) or not _is_inside(manifest.parent, names[0]):
        return False
    file = manifest.with_name(names[0])
    if manifest != beside(file) or keeping.sha256_of(manifest) != built.manifest_sha256:
        return False
    return entry.erased is not None or keeping.sha256_of(file) == built.files[0].sha256


def _is_inside(folder: Path, path: str) -> bool:
    """Whether a path leads nowhere else, by its own words or by a link."""
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        return False
    return (folder / path).parent.resolve().is_relative_to(folder.resolve())


def _emptied(built: DatasetBuilt) -> Sequence[str]:
    """Delete a dataset's files; gives those in its folder that are none of its own."""
    folder = Path(built.manifest).parent
    for file in built.files:
        (folder / file.path).unlink(missing_ok=True)
    if Path(built.manifest).name != FILE:
        return []
    found = (str(path) for path in sorted(folder.rglob("*")) if path.is_file() and path != folder / FILE)
    return list(islice(found, _MOST_LISTED))
