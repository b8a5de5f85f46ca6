"""The files of a dataset, written as they stream by: their hashes, sizes and rows are known at the end.

In: a folder that nobody else sees yet, and lines. Out: files, each synced, and their entries for the manifest. The one
rule: the same lines give the same bytes.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import arro3.io

from backtalk.ledger.schema import arrow_table

PART_ROWS: Final = 10_000
PART_CHARS: Final = 1 << 25
"""Of texts, so that long conversations fill a part sooner and not the memory."""
_COLUMNS: Final[Mapping[str, str]] = {
    "row": "int", "split": "text", "kind": "text", "prompt": "text", "completion": "text", "rejected": "text",
    "label": "flag", "margin": "real", "reference": "text", "tag": "text", "tools": "text", "weight": "real",
    "reasons": "text", "model": "text", "language": "text", "trace_ids": "texts", "span_ids": "texts",
    "feedback_ids": "texts", "signal_ids": "texts", "sha256": "text",
}  # fmt: skip


_ALSO_LINES: Final = (("\x85", "\\u0085"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029"))
"""What some readers take for the end of a line, written as a number, which JSON takes for the same."""


class FileEntry(NamedTuple):
    """A file as the manifest names it; `name` is relative to the dataset's folder, with slashes."""

    name: str
    sha256: str
    size_bytes: int
    rows: int


class Lines:
    """A JSONL file, one JSON object a line."""

    def __init__(self, root: Path, path: str) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file: BinaryIO = (root / path).open("xb")
        self._hash = hashlib.sha256()
        self._size_bytes = 0
        self._rows = 0

    def add(self, line: Mapping[str, Any]) -> None:
        """Write one line."""
        text = json.dumps(line, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        for end, number in _ALSO_LINES:
            text = text.replace(end, number)
        self.add_bytes(text.encode() + b"\n")

    def add_bytes(self, content: bytes) -> None:
        """Write one line as it is, with its end."""
        self._file.write(content)
        self._hash.update(content)
        self._size_bytes += len(content)
        self._rows += 1

    def close(self) -> FileEntry:
        """Sync the file."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return FileEntry(self._path, self._hash.hexdigest(), self._size_bytes, self._rows)


class Parts:
    """Parquet files, each full with `PART_ROWS` rows or `PART_CHARS` characters."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._rows: list[Mapping[str, Any]] = []
        self._chars = 0
        self._entries: list[FileEntry] = []

    def add(self, row: Mapping[str, Any]) -> None:
        """Add one row."""
        self._rows.append(row)
        self._chars += sum(len(value) for value in row.values() if isinstance(value, str))
        if len(self._rows) == PART_ROWS or self._chars >= PART_CHARS:
            self._write()

    def close(self) -> list[FileEntry]:
        """Write what is left; there is always one file, so that an empty dataset has its columns."""
        if self._rows or not self._entries:
            self._write()
        return self._entries

    def _write(self) -> None:
        path = f"rows/part-{len(self._entries):05d}.parquet"
        (self._root / path).parent.mkdir(parents=True, exist_ok=True)
        arro3.io.write_parquet(arrow_table(_COLUMNS, self._rows), self._root / path)
        self._entries.append(entry_of(self._root, path, len(self._rows)))
        self._rows, self._chars = [], 0


def write_text(root: Path, path: str, text: str) -> FileEntry:
    """Write a file as a whole."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(text.encode())
    return entry_of(root, path, 0)


def entry_of(root: Path, path: str, rows: int) -> FileEntry:
    """Sync and hash a file that stands there."""
    digest = hashlib.sha256()
    with (root / path).open("rb") as file:
        os.fsync(file.fileno())
        while block := file.read(1 << 20):
            digest.update(block)
        return FileEntry(path, digest.hexdigest(), file.tell(), rows)


def sync_folders(root: Path, *, deep: bool = True) -> None:
    """Make names durable: a file that is synced may still be lost with its folder's entry."""
    folders: Sequence[Path] = [root, *(path for path in root.rglob("*") if deep and path.is_dir())]
    for folder in folders:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
