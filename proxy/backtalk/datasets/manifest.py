"""The manifest of a dataset: what it was made from, so that it can be proven and made again.

In: the recipe, table versions, files and counts. Out: a JSON document. The one rule: no clock and no path of a
machine stands in it, so the same ledger, recipe and code give the same bytes; its own hash is the dataset's id, and
it names the hash of the manifest before it, which makes a chain. Rows and left-out facts stand a line each, so that
they stream.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import backtalk
from backtalk.datasets.output import FileEntry
from backtalk.datasets.prompts import LeftOut
from backtalk.datasets.recipe import Recipe
from backtalk.datasets.rows import DatasetRow, fact_ids, row_key
from backtalk.errors import SetupError
from backtalk.lineage import manifests

FILE: Final = "manifest.json"
FORMAT: Final = 2
"""The version of the manifest's own shape."""
RULES: Final = "2026-11-26.3"
"""The version of what selects and shapes; it changes whenever the same ledger would give other rows."""


class Inputs(NamedTuple):
    """What was read."""

    tables: Mapping[str, int]
    newest_call_ns: int | None
    """Arrival of the newest call in the tables: up to when the dataset reaches."""
    calls: int
    """How many calls were looked at: those of which something was said or noticed."""
    calls_beyond_limit: int
    """How many were not, since their prompt has more answers than are looked at."""


class Counts(NamedTuple):
    """What came of it."""

    rows: int
    balance: Mapping[str, Any]
    skipped: Mapping[str, Mapping[str, int]]
    """Rows that a format cannot hold, by format and reason."""


def head(
    recipe: Recipe, inputs: Inputs, counts: Counts, files: Iterable[FileEntry], previous: str | None
) -> dict[str, Any]:
    """Everything but the rows and what was left out."""
    builders = {builder.name: builder.version for builder in recipe.builders}
    weights = recipe.weights.document()
    return {
        "format": FORMAT,
        "name": recipe.name,
        "kind": recipe.kind,
        "description": recipe.description,
        "code_version": backtalk.__version__,
        "selection": RULES,
        "recipe": {
            "sha256": recipe.sha256,
            "text": recipe.text,
            "builders": builders,
            "formats": list(recipe.formats),
            "shares": recipe.split.shares,
            **({} if weights is None else {"weights": weights}),
        },
        "inputs": inputs._asdict() | {"tables": dict(sorted(inputs.tables.items()))},
        "previous_manifest_sha256": previous,
        "row_count": counts.rows,
        "balance": dict(counts.balance),
        "skipped": {name: dict(reasons) for name, reasons in sorted(counts.skipped.items()) if reasons},
        "files": [entry._asdict() for entry in sorted(files)],
    }


def row_entry(number: int, split: str, row: DatasetRow) -> dict[str, Any]:
    """A row as the manifest names it: its hash, its weight and every fact that made it."""
    sample = row.sample
    return {
        "row": number,
        "split": split,
        "sha256": row_key(sample).hex(),
        "weight": round(sample.weight, 6),
        "feedback_ids": fact_ids(sample.reasons, "feedback"),
        "signal_ids": fact_ids(sample.reasons, "signal"),
        "calls": [{"trace_id": key.trace_id, "span_id": key.span_id} for key in sample.calls],
        "reasons": [{"id": one.id, "rule": one.rule, "weight": one.weight} for one in sample.reasons],
    }


def write_manifest(
    file: Path, document: Mapping[str, Any], rows: Iterable[Mapping[str, Any]], left_out: Iterable[LeftOut]
) -> dict[str, int]:
    """Write the manifest, synced; returns how many facts were left out, by reason."""
    reasons: Counter[str] = Counter()
    with file.open("xb") as out:
        out.write(json.dumps(document, indent=1, ensure_ascii=False).removesuffix("\n}").encode())
        _stream(out, ',\n "rows": ', rows)
        _stream(out, ',\n "left_out": {"facts": ', (_left_out(one, reasons) for one in left_out))
        counts = dict(sorted(reasons.items()))
        out.write(f', "count_by_reason": {json.dumps(counts)}}}\n}}\n'.encode())
        out.flush()
        os.fsync(out.fileno())
    return counts


def _stream(out: BinaryIO, name: str, objects: Iterable[Mapping[str, Any]]) -> None:
    out.write(f"{name}[".encode())
    for number, one in enumerate(objects):
        line = json.dumps(one, ensure_ascii=False, separators=(",", ":"))
        out.write(f"{',' if number else ''}\n  {line}".encode())
    out.write(b"]")


def _left_out(one: LeftOut, reasons: Counter[str]) -> dict[str, str]:
    reasons[one.reason] += 1
    return {f"{one.fact}_id": one.id, "reason": one.reason}


def beside(out: Path) -> Path:
    """Where the manifest of a single file stands."""
    return out.with_name(f"{out.name}.{FILE}")


def manifest_sha256(dataset: Path) -> str:
    """The id of the dataset in a folder, or in a single file; `SetupError` where there is none."""
    found = _sha256(_manifest_of(dataset))
    if found is None:
        message = f"there is no dataset in {dataset}: there is no {_manifest_of(dataset)}"
        raise SetupError(message, code="no_dataset")
    return found


def broken_files(dataset: Path) -> Sequence[str]:
    """The files of a dataset that are gone, not what its manifest says, or not in its folder; those are not read."""
    manifest_sha256(dataset)
    manifest = _manifest_of(dataset)
    return [one.name for one in manifests.Manifest(manifest).head.listed if not _is_whole(manifest.parent, one)]


def _is_whole(folder: Path, listed: manifests.ManifestFile) -> bool:
    """A pipe or a device would be read for ever."""
    file = (folder / listed.name).resolve()
    return file.is_relative_to(folder.resolve()) and file.is_file() and _sha256(file) == listed.sha256


def _manifest_of(dataset: Path) -> Path:
    """A folder holds its manifest; of a single file it stands beside it, also once the file is gone."""
    single = beside(dataset)
    return single if single.is_file() and not dataset.is_dir() else dataset / FILE


def _sha256(file: Path) -> str | None:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError:
        return None
