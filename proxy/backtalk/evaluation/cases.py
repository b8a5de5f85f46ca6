"""The cases of a dataset, read from its folder.

In: a dataset's name, id or folder. Out: cases in the dataset's order. The one rule: what is asked is what the manifest
names, so every file of rows is compared with its hash first.
"""

import hashlib
from collections.abc import Iterator
from operator import attrgetter
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
_ROWS: Final = "rows/"
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


class _Row(msgspec.Struct, frozen=True):
    """A row as a file has it."""

    row: int
    sha256: str
    prompt: str
    reference: str | None
    tag: str | None
    tools: str | None
    trace_ids: tuple[str, ...]


_COLUMNS: Final = _Row.__struct_fields__


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


def read_cases(folder: Path, limit: int | None = None, *, most: int = MOST_CASES) -> CaseSet:
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
    cases = tuple(_taken(folder, manifest, limit, most))
    if not cases:
        raise RequestError(f"the dataset in {folder} has no cases", code="no_cases")
    return CaseSet(sha256[:_ID_CHARS], manifest.name or folder.name, cases)


def _taken(folder: Path, manifest: Head, limit: int | None, most: int) -> Iterator[Case]:
    count = sum(one.rows or 0 for one in manifest.all_files if one.path.startswith(_ROWS))
    if min(count, limit or most + 1) > most:
        raise _too_many(str(count), most)
    for number, case in enumerate(_cases(folder, manifest)):
        if number == limit:
            return
        if number == most:
            raise _too_many(f"more than {most}", most)  # the manifest may say what it likes
        yield case


def _too_many(count: str, most: int) -> RequestError:
    message = f"{count} cases are too many at once; name a limit of up to {most}"
    return RequestError(message, code="too_many_cases", param="limit")


def _cases(folder: Path, manifest: Head) -> Iterator[Case]:
    for file in sorted(manifest.all_files, key=attrgetter("path")):
        if not file.path.startswith(_ROWS):
            continue
        path = folder / file.path
        _unchanged(folder, path, file.sha256)
        try:
            yield from map(_case, _rows(path))
        except (GeneratorExit, KeyboardInterrupt):
            raise
        except (KeyError, ValueError, RecursionError) as error:
            raise _unusable(path, str(error)) from error
        except BaseException as error:  # the reader's panics are no `Exception`
            raise _unusable(path, "it is no Parquet file that can be read") from error


def _unchanged(folder: Path, path: Path, sha256: str) -> None:
    """A file of the folder's own, as its manifest names it; a pipe or a device would be read for ever."""
    try:
        if not (path.resolve().is_relative_to(folder.resolve()) and path.is_file()):
            raise RequestError(f"{path} is no file in the dataset's folder", code="dataset_changed")
        with path.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
    except (OSError, ValueError) as error:
        raise RequestError(f"{path} cannot be read: {error}", code="dataset_changed") from error
    if found != sha256:
        raise RequestError(f"{path} is not what its manifest says", code="dataset_changed")


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    batches = cast("Any", arro3.io.read_parquet(path))
    if missing := [name for name in _COLUMNS if name not in batches.schema.names]:
        raise ValueError(f"it has no column {' and no '.join(missing)}")
    for batch in batches:
        columns = [batch.column(name).to_pylist() for name in _COLUMNS]
        yield from (dict[str, Any](zip(_COLUMNS, values, strict=True)) for values in zip(*columns, strict=True))


def _case(cells: dict[str, Any]) -> Case:
    """Raises `ValueError` for what is no case."""
    row = msgspec.convert(cells, _Row)
    try:
        prompt = _prompt.decode(row.prompt)
        reference = None if row.reference is None else _message.decode(row.reference)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"row {row.row} has no messages in its prompt or its reference: {error}") from error
    return Case(row.row, row.sha256, prompt, reference, row.tag or "", row.tools, row.trace_ids)


def _unusable(path: Path, why: str) -> RequestError:
    return RequestError(f"{path} holds no cases as a build writes them: {why}", code="bad_cases")
