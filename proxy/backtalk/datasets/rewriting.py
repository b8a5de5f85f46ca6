"""Writes a dataset's folder anew without some of its rows: what an erasure does to a dataset that was built.

In: the folder of a build, and the numbers of rows. Out: a new folder, put in place as a whole, whose manifest names the
one before. The one rule: rows come from the Parquet files and go through the same writer as in a build, so that every
format of the new folder says the same; nothing of the old folder is changed.
"""

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, cast

import arro3.io
import msgspec

import backtalk
from backtalk.datasets.manifest import FILE, Counts, manifest_sha256, write_manifest
from backtalk.datasets.output import FileEntry, sync_folders
from backtalk.datasets.recipe import SPLIT_NAME
from backtalk.datasets.rows import DatasetRow, encode_row, row_key
from backtalk.datasets.scratch import Scratch
from backtalk.datasets.writing import row_entries, write
from backtalk.errors import SetupError
from backtalk.model.chat import Message
from backtalk.model.ids import CallKey, SpanId, TraceId
from backtalk.plugin import Reason, Sample

_BATCH_ROWS: Final = 1_000
_FACTS: Final = ("feedback", "signal")
_SPLIT: Final = re.compile(SPLIT_NAME)
_message: Final = msgspec.json.Decoder(Message)
_messages: Final = msgspec.json.Decoder(tuple[Message, ...])
_reasons: Final = msgspec.json.Decoder(tuple[Reason, ...])


class _Shown(NamedTuple):
    """What a manifest says of the recipe: the builders that it names need not be installed any more."""

    name: str
    kind: str
    description: str
    text: str
    formats: Sequence[str]
    splits: Sequence[str]


class _Batch(Protocol):
    """The part of Arrow's batches that is used; the library's own stubs name types that it does not bring."""

    def column(self, name: str) -> Any: ...


def rewrite(folder: Path, out: Path, dropped: AbstractSet[int]) -> None:
    """Make `out` from `folder` without the rows of these numbers; `SetupError` where the folder is no whole build."""
    hidden = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(hidden, ignore_errors=True)
    hidden.mkdir(mode=0o700)
    try:
        _fill(hidden, folder, dropped)
        hidden.chmod(0o755)
        hidden.rename(out)
        sync_folders(out.parent, deep=False)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _fill(hidden: Path, folder: Path, dropped: AbstractSet[int]) -> None:
    before = json.loads((folder / FILE).read_bytes())
    file = hidden / "scratch.sqlite"
    with closing(Scratch(file)) as scratch:
        for number, split, row in _rows(folder):
            if number not in dropped:
                scratch.assign([(scratch.add(row_key(row.sample), encode_row(row)), split)])
        scratch.leave_out(left_out_after(before, dropped))
        written = write(hidden, _shown(before), scratch)
        _check(scratch.row_count(), len(before["rows"]) - len(dropped), folder)
        counts = Counts(written.balance.rows, written.balance.document(), written.skipped)
        document = head_after(before, counts, written.files, manifest_sha256(folder), len(dropped))
        write_manifest(hidden / FILE, document, row_entries(scratch), scratch.left_out())
    file.unlink()
    sync_folders(hidden)


def _rows(folder: Path) -> Iterator[tuple[int, str, DatasetRow]]:
    for part in sorted((folder / "rows").glob("part-*.parquet")):
        try:
            for batch in cast("Iterator[_Batch]", arro3.io.read_parquet(part, batch_size=_BATCH_ROWS)):
                yield from _batch(batch)
        except (GeneratorExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # the reader's panics are no `Exception`
            raise SetupError(f"{part} cannot be read", code="dataset_damaged") from error


def _batch(batch: _Batch) -> Iterator[tuple[int, str, DatasetRow]]:
    names = (
        "row", "split", "kind", "prompt", "completion", "rejected", "label", "margin", "reference", "tag", "tools",
        "reasons", "model", "language", "trace_ids", "span_ids",
    )  # fmt: skip
    for values in zip(*(batch.column(name).to_pylist() for name in names), strict=True):
        one: dict[str, Any] = dict(zip(names, values, strict=True))
        yield one["row"], one["split"], DatasetRow(_sample(one), one["model"] or "", one["language"] or "")


def _sample(one: Mapping[str, Any]) -> Sample:
    return Sample(
        kind=one["kind"],
        prompt=_messages.decode(one["prompt"]),
        reasons=_reasons.decode(one["reasons"]),
        calls=tuple(
            CallKey(TraceId(trace), SpanId(span)) for trace, span in zip(one["trace_ids"], one["span_ids"], strict=True)
        ),
        completion=_said(one["completion"]),
        rejected=_said(one["rejected"]),
        label=one["label"],
        margin=one["margin"],
        reference=_said(one["reference"]),
        tag=one["tag"] or "",
        tools_json=one["tools"],
    )


def _said(text: str | None) -> Message | None:
    return None if text is None else _message.decode(text)


def left_out_after(before: Mapping[str, Any], dropped: AbstractSet[int]) -> Iterator[tuple[str, str, str]]:
    """What was left out before, and the facts of the rows that go now, as fact, id and reason."""
    for one in before["left_out"]["facts"]:
        yield from ((fact, one[f"{fact}_id"], one["reason"]) for fact in _FACTS if f"{fact}_id" in one)
    for row in before["rows"]:
        if row["row"] in dropped:
            yield from ((fact, name, "erased") for fact in _FACTS for name in row[f"{fact}_ids"])


def _shown(before: Mapping[str, Any]) -> _Shown:
    recipe = before["recipe"]
    splits = tuple(recipe["shares"])
    if not all(_SPLIT.fullmatch(name) for name in splits):
        raise SetupError("its manifest names a split as no recipe may", code="dataset_damaged")
    return _Shown(before["name"], before["kind"], before["description"], recipe["text"], recipe["formats"], splits)


def head_after(
    before: Mapping[str, Any], counts: Counts, files: Iterable[FileEntry], previous: str, erased_rows: int
) -> dict[str, Any]:
    """The manifest's head of a dataset that comes after one from which rows were erased."""
    kept = {name: value for name, value in before.items() if name not in ("rows", "left_out")}
    return kept | {
        "code_version": backtalk.__version__,
        "previous_manifest_sha256": previous,
        "erased_rows": erased_rows,
        "row_count": counts.rows,
        "balance": dict(counts.balance),
        "skipped": {name: dict(sorted(why.items())) for name, why in sorted(counts.skipped.items()) if why},
        "files": [entry._asdict() for entry in sorted(files)],
    }


def _check(found: int, expected: int, folder: Path) -> None:
    if found != expected:
        message = f"the Parquet files in {folder} have not the rows that its manifest names"
        raise SetupError(message, code="dataset_damaged")
