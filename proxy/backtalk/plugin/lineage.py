"""What an exporter of lineage is told: what was built, run, named and retired, as values that may leave.

In: one record of lineage, made into an event by the host. Out: what a plugin sends. The one rule: it holds ids, hashes,
counts, and words that an operator chose for datasets, runs and names; no text of a conversation, no user, and neither
who said it nor why.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal, Protocol, runtime_checkable

import msgspec

from backtalk.model.facts import Scalar


class LineageFile(msgspec.Struct, frozen=True):
    """A file of a dataset; `name` is relative to the dataset's folder."""

    name: str
    sha256: str
    rows: int | None = None
    size_bytes: int | None = None


class LineageColumn(msgspec.Struct, frozen=True):
    """A column of a dataset's Parquet files."""

    name: str
    type: str


class LineageDataset(msgspec.Struct, frozen=True):
    """A dataset that was built; `id` is the beginning of `sha256`, the hash of its manifest."""

    id: str
    name: str
    sha256: str
    kind: str
    uri: str
    """Where its folder, or the folder of its one file, was when it was registered."""
    rows: int
    code_version: str
    is_first: bool = True
    """Whether nothing was called so before."""
    tables: Mapping[str, int] = {}
    """The version of each table of the ledger that was read."""
    files: tuple[LineageFile, ...] = ()
    columns: tuple[LineageColumn, ...] = ()
    """Empty where there is no Parquet file any more, or none at all."""
    recipe_sha256: str | None = None
    builders: Mapping[str, str] = {}
    """Which builders made its rows, each with its version."""
    splits: Mapping[str, int] = {}
    """How many rows stand in each split."""
    facts: Mapping[str, int] = {}
    """How many facts of each kind (`feedback`, `signal`) its rows stand on."""
    left_out: Mapping[str, int] = {}
    """How many facts made no row, by reason."""
    previous_sha256: str | None = None
    erased_rows: int = 0


class LineageRun(msgspec.Struct, frozen=True):
    """A model was trained from datasets, or evaluated on them."""

    id: str
    name: str
    purpose: Literal["training", "evaluation"]
    datasets: tuple[LineageDataset, ...]
    base_model: str | None = None
    trainer: str | None = None
    artefact_uri: str | None = None
    artefact_sha256: str | None = None
    config: Mapping[str, Scalar] = {}
    """Its configuration, one level deep: what is nested stands as JSON."""
    metrics: Mapping[str, float] = {}


class LineageName(msgspec.Struct, frozen=True):
    """From now on a name means these parts, all of them together."""

    name: str
    parts: Mapping[str, str]
    datasets: tuple[LineageDataset, ...] = ()
    """The datasets among the parts."""
    replaced: int | None = None
    rolled_back_to: int | None = None
    proposal: str | None = None
    """The id of the proposal that was taken by this."""


class LineageProposal(msgspec.Struct, frozen=True):
    """A trained model was measured against the one in use, and a name should mean it; or somebody said no to that."""

    id: str
    name: str
    parts: Mapping[str, str]
    """The parts of the name that should change, and what they should be."""
    training_run: str
    candidate_run: str
    current_run: str
    datasets: tuple[LineageDataset, ...] = ()
    """What both models were evaluated on."""
    figures: Mapping[str, Scalar] = {}
    """How the two compare, one level deep."""
    rejected: bool = False


class LineageRetirement(msgspec.Struct, frozen=True):
    """A dataset is not used any more; where it was `erased`, its files are gone."""

    dataset: LineageDataset
    erased: bool = False
    replaced_by: str | None = None


LineageSaid = LineageDataset | LineageRun | LineageName | LineageProposal | LineageRetirement
"""What a record may say."""


class LineageEvent(msgspec.Struct, frozen=True):
    """A record of lineage: `hash` is the same for ever, so that a repeat can be told from news."""

    number: int
    hash: str
    time_ns: int
    said: LineageSaid


@runtime_checkable
class LineageExporter(Protocol):
    """Receives every record of lineage at least once, in order, on a cursor of its own."""

    name: ClassVar[str]
    api: ClassVar[int]
    version: ClassVar[str]

    def export(self, event: LineageEvent) -> None:
        """Deliver one record of lineage; harmless when repeated.

        `RefusedError` means that the backend will never take it; any other raise, that the same comes again.
        """
        ...

    def close(self) -> None:
        """Release what the exporter of lineage holds; called once."""
        ...
