"""The cases of a dataset, read from its folder.

In: a dataset's name, id or folder. Out: cases in the dataset's order. The one rule: what is asked is what the manifest
names, so every file of rows is compared with its hash first.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import arro3.io
import msgspec

from backtalk.errors import RequestError
from backtalk.lineage import manifests
from backtalk.lineage.catalogue import Catalogue
from backtalk.lineage.log import LineageLog
from backtalk.lineage.manifests import Head, Manifest
from backtalk.model.chat import Message
from backtalk.model.chat_body import NotChatError, message_body, tool_bodies
from backtalk.model.json_schema import parsed

MOST_CASES: Final = 100_000
"""Beyond it an evaluation is refused: all cases are in memory at once."""
_COLUMNS: Final[tuple[str, ...]] = ("row", "sha256", "kind", "prompt", "reference", "tag", "tools", "trace_ids")
_ID_CHARS: Final = 16
_prompt: Final = msgspec.json.Decoder(tuple[Message, ...])
_message: Final = msgspec.json.Decoder(Message)


class Case(msgspec.Struct, frozen=True):
    """One case: a conversation to answer, and a right answer where one is known."""

    row: int
    sha256: str
    prompt: tuple[Message, ...]
    reference: Message | None
    tag: str
    tools_json: str | None
    trace_ids: tuple[str, ...]
    """Of the calls that it was made of."""

    @property
    def body(self) -> dict[str, Any]:
        """The request without its model; raises `NotChatError` where the chat API cannot say it."""
        asked: dict[str, Any] = {"messages": [message_body(message) for message in self.prompt]}
        if not self.prompt:
            raise NotChatError("prompt_empty")
        return asked if self.tools_json is None else asked | {"tools": tool_bodies(parsed(self.tools_json))}


class CaseSet(msgspec.Struct, frozen=True):
    """The cases that are asked, and the dataset that they are of."""

    dataset_id: str
    name: str
    cases: tuple[Case, ...]


def locate(data_dir: Path, wanted: str) -> Path:
    """The folder of a dataset, by itself, by its registered name, or by its id; raises `RequestError`."""
    folder = Path(wanted)
    if (folder / manifests.FILE_NAME).is_file():
        return folder
    entry = Catalogue(LineageLog(data_dir).records()).dataset(wanted)
    if entry.erased is not None:
        message = f"the dataset {wanted} was erased; {entry.erased.replaced_by} has its other rows"
        raise RequestError(message, code="dataset_erased", param="dataset")
    manifest = Path(entry.built.manifest)
    if manifest.name != manifests.FILE_NAME:
        message = f"the dataset {wanted} is a single file beside {manifest}; an evaluation needs one built as a folder"
        raise RequestError(message, code="no_cases", param="dataset")
    return manifest.parent


def read_cases(folder: Path, limit: int | None = None) -> CaseSet:
    """The first cases of a dataset; raises `RequestError` where it is none, has none, or was changed."""
    path = folder / manifests.FILE_NAME
    try:
        with path.open("rb") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise RequestError(f"there is no dataset in {folder}: {error.strerror}", code="no_dataset") from error
    manifest = Manifest(path).head
    if manifest.kind != "eval_case":
        message = f"{folder} holds {manifest.kind} rows; an evaluation needs eval_case rows (recipe eval)"
        raise RequestError(message, code="no_cases")
    cases = tuple(_taken(folder, manifest, limit))
    if not cases:
        raise RequestError(f"the dataset in {folder} has no cases", code="no_cases")
    return CaseSet(sha256[:_ID_CHARS], manifest.name or folder.name, cases)


def _taken(folder: Path, manifest: Head, limit: int | None) -> Iterator[Case]:
    count = sum(one.rows or 0 for one in manifest.all_files if one.path.startswith("rows/"))
    if min(count, limit or MOST_CASES + 1) > MOST_CASES:
        message = f"{count} cases are too many at once; name a limit of up to {MOST_CASES}"
        raise RequestError(message, code="too_many_cases", param="limit")
    for number, row in enumerate(_rows(folder, manifest)):
        if number == limit:
            return
        yield _case(row)


def _rows(folder: Path, manifest: Head) -> Iterator[dict[str, Any]]:
    for file in sorted(one.path for one in manifest.all_files if one.path.startswith("rows/")):
        path = folder / file
        _unchanged(path, next(one.sha256 for one in manifest.all_files if one.path == file))
        for batch in cast("Any", arro3.io.read_parquet(path)):
            columns = [batch.column(name).to_pylist() for name in _COLUMNS]
            yield from (dict[str, Any](zip(_COLUMNS, values, strict=True)) for values in zip(*columns, strict=True))


def _unchanged(path: Path, sha256: str) -> None:
    try:
        with path.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}", code="dataset_changed") from error
    if found != sha256:
        raise RequestError(f"{path} is not what its manifest says", code="dataset_changed")


def _case(row: dict[str, Any]) -> Case:
    return Case(
        row=row["row"],
        sha256=row["sha256"],
        prompt=_prompt.decode(row["prompt"]),
        reference=None if row["reference"] is None else _message.decode(row["reference"]),
        tag=row["tag"] or "",
        tools_json=row["tools"],
        trace_ids=tuple(row["trace_ids"]),
    )
