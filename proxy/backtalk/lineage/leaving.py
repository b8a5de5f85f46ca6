"""What of a record may leave: the values that exporters get.

In: a record, all other records, and kept manifests. Out: an event, or None for a kind of record that has none. The one
rule: everything that leaves is named here, field by field; a recipe's text, reasons and actors are not among it.
"""

import contextlib
import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, cast

import arro3.io
import msgspec

from backtalk.errors import RequestError, StoreError
from backtalk.lineage import manifests
from backtalk.lineage.manifests import Manifest
from backtalk.lineage.records import (
    DatasetBuilt,
    DatasetRetired,
    ProposalMade,
    ProposalRejected,
    Record,
    RefSet,
    RunRegistered,
)
from backtalk.model.facts import Scalar
from backtalk.plugin import (
    LineageColumn,
    LineageDataset,
    LineageEvent,
    LineageFile,
    LineageName,
    LineageProposal,
    LineageRetirement,
    LineageRun,
    LineageSaid,
)

MAX_WORD_CHARS: Final = 256
"""Longest value of a configuration or of a name's part that leaves as it stands."""
_PARQUET: Final = ".parquet"
_PANIC: Final = "PanicException"
"""What the reader raises for a file that is no Parquet; it is no `Exception`, and has no address to import it from."""


class Leaving:
    """Makes events of one data directory's records."""

    def __init__(self, data_dir: Path, records: Iterable[Record]) -> None:
        self._data_dir = data_dir
        self._built: dict[str, DatasetBuilt] = {}
        self._first: dict[str, str] = {}
        self._runs: dict[str, RunRegistered] = {}
        self._proposals: dict[str, ProposalMade] = {}
        for record in records:
            match record.body:
                case DatasetBuilt(dataset_id=name):
                    self._built[name] = record.body
                    self._first.setdefault(record.body.name, name)
                case RunRegistered(run_id=name):
                    self._runs[name] = record.body
                case ProposalMade(proposal_id=name):
                    self._proposals[name] = record.body
                case _:
                    pass

    def event_of(self, record: Record) -> LineageEvent | None:
        """The record as an event; None where its kind has none."""
        said = self._said(record.body)
        return None if said is None else LineageEvent(record.number, record.hash, record.at_ns, said)

    def _said(self, body: object) -> LineageSaid | None:
        match body:
            case DatasetBuilt():
                return self._dataset(body)
            case RunRegistered():
                return self._run(body)
            case RefSet():
                found = self._datasets(body.target.values())
                held = (body.replaced, body.rolled_back_to, body.proposal)
                return LineageName(body.name, _words(body.target), found, *held)
            case DatasetRetired():
                gone = self._datasets((body.dataset_id,))
                is_erased = body.erasure_id is not None
                return LineageRetirement(gone[0], is_erased, body.replaced_by) if gone else None
            case _:
                return self._proposed(body)

    def _proposed(self, body: object) -> LineageProposal | None:
        if isinstance(body, ProposalMade):
            return self._proposal(body, rejected=False)
        if isinstance(body, ProposalRejected) and body.proposal_id in self._proposals:
            return self._proposal(self._proposals[body.proposal_id], rejected=True)
        return None

    def _proposal(self, made: ProposalMade, *, rejected: bool) -> LineageProposal:
        candidate = self._runs.get(made.candidate_run)
        return LineageProposal(
            id=made.proposal_id,
            name=made.name,
            parts=_words(made.parts),
            training_run=made.training_run,
            candidate_run=made.candidate_run,
            current_run=made.current_run,
            datasets=self._datasets(() if candidate is None else candidate.dataset_ids),
            figures={name: _scalar(value) for name, value in made.comparison.items()},
            rejected=rejected,
        )

    def _run(self, run: RunRegistered) -> LineageRun:
        return LineageRun(
            id=run.run_id,
            name=run.name,
            purpose=run.purpose,
            datasets=self._datasets(run.dataset_ids),
            base_model=run.base_model,
            trainer=run.trainer,
            artefact_uri=run.artefact_uri,
            artefact_sha256=run.artefact_sha256,
            config={name: _scalar(value) for name, value in run.config.items()},
            metrics={name: value for name, value in run.metrics.items() if math.isfinite(value)},
        )

    def _datasets(self, names: Iterable[str]) -> tuple[LineageDataset, ...]:
        return tuple(self._dataset(self._built[name]) for name in names if name in self._built)

    def _dataset(self, built: DatasetBuilt) -> LineageDataset:
        dataset = LineageDataset(
            id=built.dataset_id,
            name=built.name,
            sha256=built.manifest_sha256,
            kind=built.format,
            uri=Path(built.manifest).parent.as_uri(),
            rows=built.rows,
            code_version=built.code_version,
            is_first=self._first.get(built.name) == built.dataset_id,
            tables=built.tables,
            recipe_sha256=_text(built.recipe.get("sha256")),
            builders=_versions(built.recipe.get("builders")),
            columns=_columns(built),
            previous_sha256=built.previous,
            erased_rows=built.erased_rows,
        )
        with contextlib.suppress(StoreError, RequestError):  # what a manifest says beside the record, where it is there
            manifest = manifests.load(self._data_dir, built)
            return msgspec.structs.replace(dataset, **_counted(manifest))
        files = tuple(LineageFile(one.path, one.sha256, one.rows) for one in built.files)
        return msgspec.structs.replace(dataset, files=files)


def _counted(manifest: Manifest) -> dict[str, Any]:
    """What a manifest has beside its record, as counts."""
    listed = manifest.head.listed
    return {
        "files": tuple(LineageFile(one.name, one.sha256, one.rows, one.size_bytes) for one in listed),
        "splits": dict(Counter(row.split for row in manifest.rows if row.split is not None)),
        "facts": {
            "feedback": len({name for row in manifest.rows for name in row.feedback_ids}),
            "signal": len({name for row in manifest.rows for name in row.signal_ids}),
        },
        "left_out": manifest.left_out_counts,
    }


def _columns(built: DatasetBuilt) -> tuple[LineageColumn, ...]:
    """The columns of the first Parquet file, as the file itself says; none where it is gone."""
    folder = Path(built.manifest).parent
    for file in built.files:
        if file.path.endswith(_PARQUET) and (folder / file.path).is_file():
            return _columns_of(folder / file.path)
    return ()


def _columns_of(file: Path) -> tuple[LineageColumn, ...]:
    """None where it was changed into something else."""
    try:
        schema = arro3.io.read_parquet(file).schema
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == _PANIC:
            return ()
        raise
    return tuple(LineageColumn(name, _type(str(schema.field(name).type))) for name in schema.names)


def _type(told: str) -> str:
    """The name of an Arrow type without the library's own words around it."""
    return told.strip().removeprefix("arro3.core.DataType<").removesuffix(">").lower()


def _scalar(value: object) -> Scalar:
    if value is None or isinstance(value, bool | int | float):
        return value
    return _word(value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False))


def _words(said: Mapping[str, str]) -> dict[str, str]:
    return {name: _word(value) for name, value in said.items()}


def _word(value: str) -> str:
    """A word as it stands; what is as long as a text leaves as its hash alone."""
    if len(value) <= MAX_WORD_CHARS:
        return value
    return f"sha256:{hashlib.sha256(value.encode('utf-8', 'replace')).hexdigest()}"


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _versions(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict):
        return {}
    named = cast("Mapping[str, object]", value)
    return {name: str(version) for name, version in named.items()}
