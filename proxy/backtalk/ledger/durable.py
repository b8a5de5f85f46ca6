"""What Delta on a local disk does not do by itself: sync what was committed, and put a torn log aside.

The Delta writer renames files into place without syncing them (measured with strace), so a power loss can leave an
empty or half-written last log entry. What is told to be committed has been synced here first.
"""

import json
import os
from pathlib import Path


def sync_version(root: Path, version: int) -> None:
    """Sync a version's data files, its log entry and the directories that name them."""
    log = root / "_delta_log"
    entry = log / f"{version:020d}.json"
    directories = {root, log}
    for line in entry.read_text(encoding="utf-8").splitlines():
        added = json.loads(line).get("add")
        if added:
            data = root / added["path"]
            _sync(data)
            directories.add(data.parent)
    _sync(entry)
    for directory in directories:
        _sync(directory)


def quarantine(root: Path) -> list[Path]:
    """Rename unreadable log entries at the end to `.torn`; what they held comes again from the journal."""
    torn: list[Path] = []
    for entry in sorted((root / "_delta_log").glob("*.json"), reverse=True):
        if _readable(entry):
            break
        aside = entry.with_suffix(".json.torn")
        entry.rename(aside)
        torn.append(aside)
    if torn:
        _sync(root / "_delta_log")
    return torn


def _readable(entry: Path) -> bool:
    try:
        lines = entry.read_text(encoding="utf-8").splitlines()
        return bool(lines) and all(isinstance(json.loads(line), dict) for line in lines)
    except ValueError:
        return False


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
