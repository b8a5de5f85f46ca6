"""Manifests as lineage needs them: which facts made which row, and which facts made none.

In: a manifest's file, or the hash of one that was registered. Out: values. The one rule: a registered manifest is kept
under its own hash, so that what made a row can be said when the dataset's files are long elsewhere. A manifest holds
ids and hashes, no texts.
"""

import hashlib
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from backtalk.errors import RequestError, StoreError
from backtalk.lineage.log import DIRECTORY
from backtalk.lineage.manifest_file import Part, copied, parts
from backtalk.lineage.records import DatasetBuilt, File
from backtalk.spool.files import make_directory
from backtalk.spool.segments import sync_directory

KEPT: Final = "manifests"
FILE_NAME: Final = "manifest.json"
_ID_CHARS: Final = 16
_Any = TypeVar("_Any")


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


class Head(msgspec.Struct, frozen=True):
    """What a manifest says of the whole dataset; what lineage does not need of it is left aside."""

    kind: str
    code_version: str
    inputs: Inputs
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
    def listed(self) -> tuple[ManifestFile, ...]:
        """The dataset's files as it names them."""
        return (*self.files, *(() if self.file is None else (self.file,)))

    @property
    def all_files(self) -> tuple[File, ...]:
        """The dataset's files."""
        return tuple(File(one.name, one.sha256, one.rows) for one in self.listed)


class Manifest:
    """A manifest's file: its head is read at once, the rows and what was left out whenever they are asked for."""

    def __init__(self, path: Path, *, shown: Path | None = None) -> None:
        """`shown` is the path that people know; raises `RequestError` where the file is no manifest."""
        self._path = path
        self._shown = path if shown is None else shown
        self.head: Final[Head] = next(iter(self._read(Part.HEAD, _heads)))

    @property
    def rows(self) -> Iterator[ManifestRow]:
        """Every row, from the first one on."""
        return self._read(Part.ROW, _rows)

    @property
    def left_out(self) -> Iterator[Omission]:
        """Every fact that was left out."""
        return self._read(Part.LEFT_OUT, _omissions)

    @property
    def left_out_counts(self) -> dict[str, int]:
        """How many facts were left out, by reason."""
        return dict(Counter(one.reason for one in self.left_out).most_common())

    def _read(self, part: Part, decoder: msgspec.json.Decoder[_Any]) -> Iterator[_Any]:
        try:
            for _, content in parts(self._path, part):
                yield decoder.decode(content)
        except (ValueError, OSError) as error:
            message = f"{self._shown} is no manifest of a dataset: {error}"
            raise RequestError(message, code="bad_manifest") from error


_heads: Final = msgspec.json.Decoder(Head)
_rows: Final = msgspec.json.Decoder(ManifestRow)
_omissions: Final = msgspec.json.Decoder(Omission)


def find(path: Path) -> Path:
    """The manifest of a dataset that is named by its directory, its manifest, or the file beside it."""
    for candidate in (path / FILE_NAME, path.with_name(f"{path.name}.{FILE_NAME}"), path):
        if candidate.is_file() and candidate.name.endswith(FILE_NAME):
            return candidate.resolve()
    raise RequestError(f"there is no manifest at {path}", code="no_manifest")


def keep(data_dir: Path, path: Path, *, name: str | None = None) -> DatasetBuilt:
    """Keep a manifest, durable on return, and give the record that says so; raises `RequestError` where it is none."""
    directory = data_dir / DIRECTORY / KEPT
    make_directory(directory)
    try:
        with copied(path, directory) as (copy, sha256):
            manifest = Manifest(copy, shown=path)
            rows = sum(1 for _ in manifest.rows)
            deque(manifest.left_out, maxlen=0)
            copy.replace(kept_path(data_dir, sha256))
            sync_directory(directory)
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}", code="no_manifest") from error
    head = manifest.head
    return DatasetBuilt(
        dataset_id=sha256[:_ID_CHARS],
        name=name or head.name or _name_of(path),
        format=head.kind,
        manifest=str(path),
        manifest_sha256=sha256,
        rows=rows,
        code_version=head.code_version,
        recipe=head.said_recipe,
        tables=head.inputs.tables,
        files=head.all_files,
        previous=head.previous_manifest_sha256,
        erased_rows=head.erased_rows,
    )


def load(data_dir: Path, built: DatasetBuilt) -> Manifest:
    """The manifest of a registered dataset; raises `StoreError` where it was changed or is gone."""
    path = kept_path(data_dir, built.manifest_sha256)
    try:
        with path.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        message = f"the manifest of {built.dataset_id} cannot be read: {error.strerror}"
        raise StoreError(message, code="lineage_unavailable") from error
    if found != built.manifest_sha256:
        raise StoreError(f"the manifest of {built.dataset_id} was changed: {path}", code="lineage_damaged")
    return Manifest(path)


def kept_path(data_dir: Path, sha256: str) -> Path:
    """Where a registered manifest is kept."""
    return data_dir / DIRECTORY / KEPT / f"{sha256}.json"


def row_of(manifest: Manifest, wanted: str) -> ManifestRow:
    """A row by its number, or by the first digits of its hash; raises `RequestError` where none or several fit."""
    count = fitting = 0
    first: ManifestRow | None = None
    for row in manifest.rows:
        if wanted.isdigit() and row.row == int(wanted):
            return row
        if len(wanted) >= 6 and row.sha256.startswith(wanted):
            first, fitting = first or row, fitting + 1
        count += 1
    if first is None or fitting != 1:
        message = f"{fitting} rows begin with {wanted!r}" if fitting else f"no row {wanted!r}"
        allowed = f"rows are 0 to {count - 1}, or the first digits of a row's sha256"
        raise RequestError(f"{message}; {allowed}", code="unknown_row", param="row")
    return first


def _name_of(path: Path) -> str:
    own = path.name.removesuffix(FILE_NAME).rstrip(".")
    return Path(own).stem if own else path.parent.name
