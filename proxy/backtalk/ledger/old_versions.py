"""Old versions of a table that are to stay: which of them there are, and whether cleaning up the log would take one.

In: a table's directory and versions. Out: what holds of them. The one rule: in doubt nothing is cleaned up.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Final

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from backtalk import clock
from backtalk.ledger.durable import log_entry

LOG_DAYS: Final = 90
"""Entries of the log that are older may be deleted once there is a checkpoint behind them."""


def readable(path: Path, versions: Collection[int]) -> list[int]:
    """Those of the versions to which the log still leads; an erasure leaves no way to older ones."""
    return [version for version in sorted(set(versions)) if _is_readable(path, version)]


def is_expiring(path: Path, versions: Collection[int]) -> bool:
    """Whether the log's entry of one of the versions is gone or so old that a clean-up could take the way to it."""
    expired_s = clock.now().wall_ns / clock.NS_PER_S - LOG_DAYS * 86_400
    entries = [log_entry(path, version) for version in versions]
    return any(not entry.exists() or entry.stat().st_mtime <= expired_s for entry in entries)


def _is_readable(path: Path, version: int) -> bool:
    try:
        return DeltaTable(path, version=version).version() == version
    except (DeltaError, OSError, ValueError):
        return False
