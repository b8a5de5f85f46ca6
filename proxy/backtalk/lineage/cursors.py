"""How far an exporter has come: one small file for each, held by one process at a time.

In: the number and hash of the record that was delivered last. Out: the same, after a restart too. The one rule: a
cursor that names a record that the log does not have moves nowhere: somebody has to look.
"""

import contextlib
import fcntl
import os
from collections.abc import Generator
from pathlib import Path
from typing import Final

import msgspec

from backtalk.errors import StoreError
from backtalk.lineage.log import DIRECTORY
from backtalk.lineage.records import ORIGIN
from backtalk.spool.files import make_directory, replace

EXPORTED: Final = "exported"


class Cursor(msgspec.Struct, frozen=True):
    """The last record that was delivered or passed over, and how many were so in all."""

    number: int = 0
    hash: str = ORIGIN
    sent: int = 0
    refused: int = 0
    """Those that the backend never takes."""
    without_event: int = 0
    """Those of a kind that has no event."""


class CursorFile:
    """The cursor of one exporter."""

    def __init__(self, data_dir: Path, exporter: str) -> None:
        self._path = data_dir / DIRECTORY / EXPORTED / f"{exporter}.json"

    def load(self) -> Cursor:
        """Where it stands; at the beginning where it never moved. Raises `StoreError` where it cannot be read."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Cursor)
        except FileNotFoundError:
            return Cursor()
        except (OSError, msgspec.MsgspecError) as error:
            message = f"{self._path} cannot be read: {error}; delete it to send everything again"
            raise StoreError(message, code="lineage_unavailable") from error

    def save(self, cursor: Cursor) -> None:
        """Move it, durable on return; raises `StoreError` where the disk takes nothing."""
        try:
            replace(self._path, msgspec.json.encode(cursor))
        except OSError as error:
            raise StoreError(f"{self._path} cannot be written: {error.strerror}", code="lineage_not_kept") from error

    @contextlib.contextmanager
    def alone(self) -> Generator[bool]:
        """Whether this process is the only one that sends for it; the kernel frees the lock with the process."""
        descriptor = self._lock_file()
        try:
            yield _locked(descriptor)
        finally:
            os.close(descriptor)

    def _lock_file(self) -> int:
        path = self._path.with_suffix(".lock")
        try:
            make_directory(path.parent)
            return os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"{path} cannot be opened: {error.strerror}", code="lineage_not_kept") from error


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
