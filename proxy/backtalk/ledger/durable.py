"""Syncs what Delta has written: on a local disk the library renames files into place and syncs none of them.

In: a table's directory and the versions that are new. Out: the same files, on disk for good. The one rule: a version is
told to be committed only after its data files, its log entry and every directory that names them were synced.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote

LOG: Final = "_delta_log"
_UNSYNCED_VERSIONS: Final = 2
_VERSION_DIGITS: Final = 20


def log_entry(root: Path, version: int) -> Path:
    """The file that makes a version."""
    return root / LOG / f"{version:020d}.json"


def added(entry: Path) -> Iterator[tuple[str, int]]:
    """Path below the table and size of each data file that a log entry adds; raises `ValueError` where it is torn."""
    for line in entry.read_text(encoding="utf-8").splitlines():
        if add := json.loads(line).get("add"):
            yield unquote(add["path"]), add["size"]


def sync_versions(root: Path, after: int, last: int) -> None:
    """Sync the versions behind `after` up to `last`."""
    files, directories = list[Path](), {root, root / LOG}
    for version in range(after + 1, last + 1):
        entry = log_entry(root, version)
        files += [root / path for path, _ in added(entry)] + [entry]
    directories.update(file.parent for file in files)
    for path in (*files, *sorted(directories)):
        sync(path)


def sync_newest(root: Path, last: int) -> None:
    """Sync what a killed writer may have left unsynced: a version is synced before the next, but for a vacuum's two."""
    after = last
    while last - after < _UNSYNCED_VERSIONS and after >= 0 and log_entry(root, after).exists():
        after -= 1
    sync_versions(root, after, last)


def sync_checkpoints(root: Path) -> None:
    """Sync the newest checkpoint and the pointer to it."""
    log = root / LOG
    newest = sorted(log.glob("*.checkpoint*.parquet"))[-1:]
    for path in (*newest, *log.glob("_last_checkpoint"), log):
        sync(path)


def sync(path: Path) -> None:
    """Sync one file or directory."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def forget_before(root: Path, version: int) -> None:
    """Delete what the log says of earlier versions than this one, of which there is a checkpoint, and torn files."""
    for path in sorted((root / LOG).iterdir()):
        number = path.name[:_VERSION_DIGITS]
        if (number.isdigit() and len(number) == _VERSION_DIGITS and int(number) < version) or path.suffix == ".torn":
            path.unlink()
    sync(root / LOG)
