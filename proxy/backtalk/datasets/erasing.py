"""Takes a person's rows out of every dataset that is registered: a new version comes, the old one's files go.

In: the keys of erased calls and facts. Out: how much was erased, and the paths that this does not reach. The one rule:
write, register, mark, delete, in this order, each repeatable: a kill at any moment leaves either the old files or a new
version that is registered. The old record and its kept manifest stay: they hold ids and hashes.
"""

import errno
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from backtalk.datasets.manifest import FILE, manifest_sha256
from backtalk.datasets.rewriting import rewrite
from backtalk.errors import SetupError, StoreError
from backtalk.lineage import keeping, manifests
from backtalk.lineage.catalogue import Catalogue, Entry
from backtalk.lineage.log import LineageLog
from backtalk.lineage.manifests import ManifestRow
from backtalk.lineage.records import DatasetBuilt

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
    done: list[Erased] = []
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
    return Erased(sum(one.datasets for one in done), sum(one.rows for one in done), tuple(not_reached))


def _by_id(entries: Iterable[Entry]) -> Sequence[Sequence[Entry]]:
    """Datasets with all the names under which each was registered."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.built.dataset_id, []).append(entry)
    return list(found.values())


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
    reached = [entry for entry in entries if _is_folder(entry.built)]
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
    folder = Path(entry.built.manifest).parent
    begin, dataset_id = folder.name.split(_MARK)[0], entry.built.dataset_id
    out = folder.with_name(f"{begin}{_MARK}{order.id[:8]}-{dataset_id[:8]}")
    if not out.exists():
        rewrite(folder, out, gone)
    keeping.register_dataset(data_dir, out, actor=_ACTOR, name=entry.built.name)
    return manifests.keep(data_dir, manifests.find(out), name=entry.built.name)


def _is_folder(built: DatasetBuilt) -> bool:
    """Whether it is a build's folder that is still there, and no path in its manifest leads out of it."""
    manifest = Path(built.manifest)
    inside = all(_is_inside(file.path) for file in built.files)
    has_rows = any(file.path.endswith(".parquet") for file in built.files)
    is_folder = manifest.name == FILE and manifest.is_file() and inside and has_rows
    return is_folder and manifest_sha256(manifest.parent) == built.manifest_sha256


def _is_inside(path: str) -> bool:
    return not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts


def _emptied(built: DatasetBuilt) -> Sequence[str]:
    """Delete a dataset's files; gives those in its folder that are none of its own."""
    folder = Path(built.manifest).parent
    for file in built.files:
        (folder / file.path).unlink(missing_ok=True)
    found = (str(path) for path in sorted(folder.rglob("*")) if path.is_file() and path != folder / FILE)
    return list(islice(found, _MOST_LISTED))
