"""The records of lineage: what was built, run, named and retired, each a frozen value.

In: what a command or a build says. Out: one line of the log. The one rule: a record is never changed; what is said
later of the same thing is a record of its own.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, Literal, cast

import msgspec

ORIGIN: Final = "0" * 64
"""What the first record names as its predecessor."""
RunKind = Literal["training", "evaluation"]


class File(msgspec.Struct, frozen=True):
    """One file of a dataset; `path` is below the manifest's directory."""

    path: str
    sha256: str
    rows: int | None = None


class DatasetBuilt(msgspec.Struct, frozen=True, tag="dataset"):
    """A dataset exists; its manifest is kept under `manifest_sha256`."""

    dataset_id: str
    name: str
    format: str
    manifest: str
    manifest_sha256: str
    rows: int
    code_version: str
    recipe: Mapping[str, Any] = {}
    tables: Mapping[str, int] = {}
    """The version of each table that was read: kept from vacuum until the dataset is retired."""
    files: tuple[File, ...] = ()
    replaced: int | None = None
    """The number of the record whose files stood at `manifest` and beside it before."""
    previous: str | None = None
    """The hash of the manifest of the dataset that this one comes after."""
    erased_rows: int = 0
    """How many rows of the dataset before an erasure took out."""


class DatasetRetired(msgspec.Struct, frozen=True, tag="dataset_retired"):
    """A dataset is not used any more: the table versions that it names may go."""

    dataset_id: str
    reason: str
    erasure_id: str | None = None
    """The order by which rows were taken out; the files are gone then."""
    replaced_by: str | None = None
    """The id of the dataset that has the other rows."""


class RunRegistered(msgspec.Struct, frozen=True, tag="run"):
    """A model was trained from datasets, or evaluated on them."""

    run_id: str
    name: str
    purpose: RunKind
    dataset_ids: tuple[str, ...]
    base_model: str | None = None
    trainer: str | None = None
    artefact_uri: str | None = None
    artefact_sha256: str | None = None
    config: Mapping[str, Any] = {}
    metrics: Mapping[str, float] = {}


class RefSet(msgspec.Struct, frozen=True, tag="ref"):
    """A name means this from now on; `rolled_back_to` is the number of the record whose meaning it took again."""

    name: str
    target: Mapping[str, str]
    """What it means, part by part: `dataset`, `run`, and anything else, such as `judge_prompt` or `route`."""
    reason: str
    replaced: int | None = None
    """The number of the record that held before."""
    rolled_back_to: int | None = None
    proposal: str | None = None
    """The id of the proposal that was taken by this."""


class ProposalMade(msgspec.Struct, frozen=True, tag="proposal"):
    """A trained model was measured against the one in use, and is better: a name should mean it from now on."""

    proposal_id: str
    name: str
    """The name whose parts should change."""
    parts: Mapping[str, str]
    """The parts that should change, and what they should be."""
    training_run: str
    candidate_run: str
    """The evaluation of the trained model."""
    current_run: str
    """The evaluation of the model in use, on the same dataset."""
    comparison: Mapping[str, Any]
    """Scorer, cases, gain with its interval, and the gain that was asked for."""
    made_by: str = ""
    """Which pipeline made it, and in which run."""
    base: int | None = None
    """The number of the record that the name meant then."""


class ProposalRejected(msgspec.Struct, frozen=True, tag="proposal_rejected"):
    """Somebody said no to a proposal."""

    proposal_id: str
    reason: str


Body = DatasetBuilt | DatasetRetired | RunRegistered | RefSet | ProposalMade | ProposalRejected


class Record(msgspec.Struct, frozen=True):
    """One line of the log: who said what, when, after which line."""

    number: int
    at_ns: int
    actor: str
    body: Body
    prev_hash: str
    hash: str


def sealed(body: Body, *, number: int, at_ns: int, actor: str, prev_hash: str) -> bytes:
    """The line of a record, without its end."""
    said = msgspec.to_builtins(body)
    fields = {"number": number, "at_ns": at_ns, "actor": actor, "body": said, "prev_hash": prev_hash}
    return canonical(fields | {"hash": hash_of(fields)})


def hash_of(fields: Mapping[str, Any]) -> str:
    """The sha256 of everything that a line says but its own hash."""
    return hashlib.sha256(canonical({name: value for name, value in fields.items() if name != "hash"})).hexdigest()


def canonical(document: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys and no spaces: equal documents are equal bytes."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def read(line: bytes) -> Record:
    """A line as a record; raises `ValueError` where it is none, or says anything besides what its hash seals."""
    try:
        said: object = json.loads(line)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    fields = cast("dict[str, Any]", said) if isinstance(said, dict) else {}
    if canonical(fields) != line:
        raise ValueError("it is not written as a record is")
    if fields.get("hash") != hash_of(fields):
        raise ValueError("its hash does not fit what it says")
    return msgspec.convert(fields, Record)
