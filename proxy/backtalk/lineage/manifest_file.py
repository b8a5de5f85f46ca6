"""A manifest's file, read a line at a time, so that memory does not grow with the dataset.

In: a file as a build writes it: the head, then a line for each row, then a line for each fact that was left out. Out:
those parts as JSON. The one rule: what is laid out otherwise is read as a whole, and refused where it is too large.
"""

import hashlib
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

WHOLE_BYTES: Final = 64 << 20
"""A head, or a manifest in one piece, may be so large."""
_BLOCK_BYTES: Final = 1 << 20
_ROWS: Final = b' "rows": ['
_LEFT_OUT: Final = b' "left_out": {"facts": ['
_COUNTS: Final = b'], "count_by_reason": {'


class Part(Enum):
    """What a piece of JSON is."""

    HEAD = auto()
    ROW = auto()
    LEFT_OUT = auto()


@contextmanager
def copied(path: Path, directory: Path) -> Generator[tuple[Path, str]]:
    """A synced copy of a file in a directory, and its sha256; gone at the end where nobody has renamed it."""
    copy = directory / f".{os.getpid()}.tmp"
    digest = hashlib.sha256()
    try:
        with path.open("rb") as source, copy.open("wb") as out:
            while block := source.read(_BLOCK_BYTES):
                digest.update(block)
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        copy.chmod(0o600)
        yield copy, digest.hexdigest()
    finally:
        copy.unlink(missing_ok=True)


class _LeftOut(msgspec.Struct):
    facts: list[msgspec.Raw] = []


class _Whole(msgspec.Struct):
    rows: list[msgspec.Raw]
    left_out: _LeftOut = msgspec.field(default_factory=_LeftOut)


def parts(path: Path, *wanted: Part, whole_bytes: int = WHOLE_BYTES) -> Iterator[tuple[Part, bytes]]:
    """The wanted parts in their order; raises `ValueError` where it is no manifest, `OSError` where there is none."""
    with path.open("rb") as file:
        head = _head(file)
        found = _whole(path, whole_bytes) if head is None else _lines(file, head)
        last = max(wanted, key=lambda part: part.value)
        for part, content in found:
            if part.value > last.value:
                return
            if part in wanted:
                yield part, content


def _head(file: BinaryIO) -> bytes | None:
    """What stands before the rows, as an object of its own; None where rows do not stand a line each."""
    head = bytearray()
    while (line := file.readline(WHOLE_BYTES)) and len(head) < WHOLE_BYTES:
        if line.startswith(_ROWS):
            return bytes(head).rstrip().removesuffix(b",") + b"}" if _is_laid_out(file, line) else None
        head += line
    return None


def _is_laid_out(file: BinaryIO, line: bytes) -> bool:
    """Whether the first row, if there is one, has a line of its own; the file stands before it afterwards."""
    if line.rstrip() != _ROWS:
        return True
    first = file.readline(WHOLE_BYTES)
    file.seek(-len(first), os.SEEK_CUR)
    return first.startswith(b"  {") and first.rstrip().endswith((b"},", b"}],"))


def _lines(file: BinaryIO, head: bytes) -> Iterator[tuple[Part, bytes]]:
    yield Part.HEAD, head
    part = Part.ROW
    for line in file:
        if line.startswith(_LEFT_OUT):
            part = Part.LEFT_OUT
        elif line.startswith(b"  {"):
            content = line.rsplit(_COUNTS, 1)[0] if part is Part.LEFT_OUT else line
            yield part, content.strip().removesuffix(b",").removesuffix(b"]")


def _whole(path: Path, most_bytes: int) -> Iterator[tuple[Part, bytes]]:
    if (size := path.stat().st_size) > most_bytes:
        raise ValueError(f"it has {size >> 20} MB and its rows do not stand a line each")
    content = path.read_bytes()
    found = msgspec.json.decode(content, type=_Whole)
    yield Part.HEAD, content
    yield from ((Part.ROW, bytes(row)) for row in found.rows)
    yield from ((Part.LEFT_OUT, bytes(fact)) for fact in found.left_out.facts)
