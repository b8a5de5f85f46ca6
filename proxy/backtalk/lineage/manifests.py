"""Manifests as lineage needs them: which facts made which row, and which facts made none.

In: a manifest's file, or the hash of one that was registered. Out: values. The one rule: a registered manifest is kept
under its own hash, so that what made a row can be said when the dataset's files are long elsewhere. A manifest holds
ids and hashes, no texts.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from backtalk.errors import RequestError, StoreError
from backtalk.lineage.log import DIRECTORY
from backtalk.lineage.records import DatasetBuilt, File
from backtalk.spool.files import make_directory, replace

KEPT: Final = "manifests"
FILE_NAME: Final = "manifest.json"
_ID_CHARS: Final = 16


class Call(msgspec.Struct, frozen=True):
    """The key of a call."""

    trace_id: str
    span_id: str


class ManifestRow(msgspec.Struct, frozen=True):
    """One row of a dataset: the hash of what stands in it, and every fact that made it."""

    row: int
    sha256: str
    feedback_ids: tuple[str, ...] = ()
    signal_ids: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    split: str | None = None

    @property
    def facts(self) -> frozenset[str]:
        """The ids of the feedback and of the signals behind the row."""
        return frozenset((*self.feedback_ids, *self.signal_ids))


class Omission(msgspec.Struct, frozen=True):
    """A fact that the selection saw and could not use, and why."""

    reason: str
    feedback_id: str | None = None
    signal_id: str | None = None


class LeftOut(msgspec.Struct, frozen=True):
    """All of them."""

    facts: tuple[Omission, ...] = ()


class Inputs(msgspec.Struct, frozen=True):
    """What was read: the version of each table, and up to when they reach."""

    tables: Mapping[str, int] = {}
    newest_call_ns: int | None = None


class ManifestFile(msgspec.Struct, frozen=True):
    """A file as its manifest names it."""

    name: str
    sha256: str
    rows: int | None = None
    size_bytes: int | None = None


class Manifest(msgspec.Struct, frozen=True):
    """What a manifest says; what lineage does not need of it is left aside."""

    kind: str
    code_version: str
    inputs: Inputs
    rows: tuple[ManifestRow, ...]
    left_out: LeftOut = LeftOut()
    name: str | None = None
    selection: str | None = None
    parameters: Mapping[str, Any] = {}
    recipe: Mapping[str, Any] = {}
    previous_manifest_sha256: str | None = None
    erased_rows: int = 0
    file: ManifestFile | None = None
    files: tuple[ManifestFile, ...] = ()

    @property
    def said_recipe(self) -> dict[str, Any]:
        """By which rules and with which parameters rows were chosen."""
        selection = {} if self.selection is None else {"selection": self.selection}
        return {"kind": self.kind, **selection, **self.parameters, **self.recipe}

    @property
    def left_out_counts(self) -> dict[str, int]:
        """How many facts were left out, by reason."""
        return dict(Counter(one.reason for one in self.left_out.facts).most_common())

    @property
    def listed(self) -> tuple[ManifestFile, ...]:
        """The dataset's files as it names them."""
        return (*self.files, *(() if self.file is None else (self.file,)))

    @property
    def all_files(self) -> tuple[File, ...]:
        """The dataset's files."""
        return tuple(File(one.name, one.sha256, one.rows) for one in self.listed)


def find(path: Path) -> Path:
    """The manifest of a dataset that is named by its directory, its manifest, or the file beside it."""
    for candidate in (path / FILE_NAME, path.with_name(f"{path.name}.{FILE_NAME}"), path):
        if candidate.is_file() and candidate.name.endswith(FILE_NAME):
            return candidate.resolve()
    raise RequestError(f"there is no manifest at {path}", code="no_manifest")


def keep(data_dir: Path, path: Path, *, name: str | None = None) -> DatasetBuilt:
    """Keep a manifest, durable on return, and give the record that says so; raises `RequestError` where it is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}", code="no_manifest") from error
    manifest = parse(content, path)
    sha256 = hashlib.sha256(content).hexdigest()
    kept = kept_path(data_dir, sha256)
    make_directory(kept.parent)
    replace(kept, content)
    return DatasetBuilt(
        dataset_id=sha256[:_ID_CHARS],
        name=name or manifest.name or _name_of(path),
        format=manifest.kind,
        manifest=str(path),
        manifest_sha256=sha256,
        rows=len(manifest.rows),
        code_version=manifest.code_version,
        recipe=manifest.said_recipe,
        tables=manifest.inputs.tables,
        files=manifest.all_files,
        previous=manifest.previous_manifest_sha256,
        erased_rows=manifest.erased_rows,
    )


def load(data_dir: Path, built: DatasetBuilt) -> Manifest:
    """The manifest of a registered dataset; raises `StoreError` where it was changed or is gone."""
    path = kept_path(data_dir, built.manifest_sha256)
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"the manifest of {built.dataset_id} cannot be read: {error.strerror}"
        raise StoreError(message, code="lineage_unavailable") from error
    if hashlib.sha256(content).hexdigest() != built.manifest_sha256:
        raise StoreError(f"the manifest of {built.dataset_id} was changed: {path}", code="lineage_damaged")
    return parse(content, path)


def kept_path(data_dir: Path, sha256: str) -> Path:
    """Where a registered manifest is kept."""
    return data_dir / DIRECTORY / KEPT / f"{sha256}.json"


def parse(content: bytes, path: Path) -> Manifest:
    """Read a manifest; raises `RequestError` where it is none."""
    try:
        return msgspec.json.decode(content, type=Manifest)
    except msgspec.MsgspecError as error:
        raise RequestError(f"{path} is no manifest of a dataset: {error}", code="bad_manifest") from error


def row_of(manifest: Manifest, wanted: str) -> ManifestRow:
    """A row by its number, or by the first digits of its hash; raises `RequestError` where none or several fit."""
    found = [row for row in manifest.rows if wanted.isdigit() and row.row == int(wanted)]
    found = found or [row for row in manifest.rows if len(wanted) >= 6 and row.sha256.startswith(wanted)]
    if len(found) != 1:
        message = f"no row {wanted!r}" if not found else f"{len(found)} rows begin with {wanted!r}"
        allowed = f"rows are 0 to {len(manifest.rows) - 1}, or the first digits of a row's sha256"
        raise RequestError(f"{message}; {allowed}", code="unknown_row", param="row")
    return found[0]


def _name_of(path: Path) -> str:
    own = path.name.removesuffix(FILE_NAME).rstrip(".")
    return Path(own).stem if own else path.parent.name
