"""Puts aside what a power loss has torn, before a table is opened for writing.

In: a table's directory. Out: the files renamed to `.torn`; the journal refills what they held. Only the newest version
and the newest checkpoint can be torn, since each is synced before the next is begun. An empty newest log entry must be
found here: Delta opens such a table without a word, and without that commit's rows.
"""

import json
from pathlib import Path
from typing import Final

from backtalk.ledger.durable import LOG, added, sync

_MAGIC: Final = b"PAR1"
"""A whole Parquet file begins and ends with it."""
_SMALLEST_BYTES: Final = 12


def mend(root: Path) -> list[Path]:
    """Rename the torn files at the end of a table's log; gives their new names."""
    log = root / LOG
    torn = [put_aside(path) for path in _torn_checkpoints(log)]
    for entry in sorted(log.glob("[0-9]*.json"), reverse=True):
        if _is_whole(entry, root):
            break
        torn.append(put_aside(entry))
    if torn:
        sync(log)
    return torn


def _is_whole(entry: Path, root: Path) -> bool:
    """Whether a log entry is complete JSON and each file that it adds is there at its full size."""
    try:
        content = entry.read_bytes()
        return bool(content) and all(_is_parquet(root / path, size) for path, size in added(entry))
    except (ValueError, KeyError, AttributeError):
        return False


def _is_parquet(path: Path, size: int | None = None) -> bool:
    try:
        with path.open("rb") as file:
            length = file.seek(0, 2)
            if length < _SMALLEST_BYTES or size not in {None, length}:
                return False
            file.seek(-len(_MAGIC), 2)
            tail = file.read()
            file.seek(0)
            return tail == file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def _torn_checkpoints(log: Path) -> list[Path]:
    checkpoints = sorted(log.glob("*.checkpoint*.parquet"))[-1:]
    torn = [path for path in checkpoints if not _is_parquet(path)]
    pointer = log / "_last_checkpoint"
    if pointer.exists() and (torn or not _is_json(pointer)):
        torn.append(pointer)
    return torn


def _is_json(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_bytes()), dict)
    except ValueError:
        return False


def put_aside(path: Path) -> Path:
    """Rename a file so that Delta sees it no more; gives its new name."""
    aside = path.with_name(f"{path.name}.torn")
    path.rename(aside)
    return aside
