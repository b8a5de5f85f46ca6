"""The log of lineage: one file of chained records, only ever appended to.

In: bodies of records. Out: records, durable on return. The one rule: each line names the hash of the one before it, and
`head` names the last one, so that a changed, removed, moved or cut line is found.

A file and not a table: commands and builds write it with or without a worker, an erasure rewrites tables and must not
rewrite this, and a chain needs one order, which a lock on a file gives. It holds ids, hashes and numbers, no texts.
"""

import contextlib
import fcntl
import json
import logging
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

from backtalk import clock
from backtalk.errors import RequestError, StoreError
from backtalk.lineage.records import ORIGIN, Body, Record, read, sealed
from backtalk.spool.files import make_directory, replace, write_all

_log = logging.getLogger(__name__)
DIRECTORY: Final = "lineage"
MAX_LINE_BYTES: Final = 1 << 20
"""Longest record; a configuration that is longer belongs into a file that the run names."""
MAX_ACTOR_CHARS: Final = 256
_Place = tuple[int, str]
"""A record's number and hash."""


class LineageLog:
    """The log of one data directory; any number of processes may append."""

    def __init__(self, data_dir: Path) -> None:
        self.directory: Final = data_dir / DIRECTORY
        self.path: Final = self.directory / "log.jsonl"
        self._head = self.directory / "head"

    def append(self, body: Body, actor: str) -> Record:
        """Write a record down, durable on return.

        Raises `RequestError` for an actor or a body that cannot be taken, and `StoreError` where the disk takes nothing
        or lines are missing at the end: nothing is put on top of a damaged log.
        """
        if not actor.strip() or not actor.isprintable() or len(actor) > MAX_ACTOR_CHARS:
            message = f"an actor must be printable, with 1 to {MAX_ACTOR_CHARS} characters"
            raise RequestError(message, code="bad_actor")
        try:
            with self._alone():
                number, prev_hash = self._last()
                at_ns = clock.now().wall_ns
                line = sealed(body, number=number + 1, at_ns=at_ns, actor=actor, prev_hash=prev_hash)
                if len(line) > MAX_LINE_BYTES:
                    message = f"the record has {len(line)} bytes; at most {MAX_LINE_BYTES} are allowed"
                    raise RequestError(message, code="record_too_large")
                self._write(line + b"\n")
                record = read(line)
                replace(self._head, f"{record.number} {record.hash}\n".encode())
        except OSError as error:
            raise StoreError(f"lineage cannot be written down: {error.strerror}", code="lineage_not_kept") from error
        return record

    def records(self) -> list[Record]:
        """All records, the oldest first; raises `StoreError` at the first that cannot be trusted."""
        found: list[Record] = []
        for number, line in enumerate(self.lines(), start=1):
            try:
                record = read(line)
            except ValueError as error:
                message = f"line {number} of {self.path} cannot be trusted: {error}; see `backtalk lineage verify`"
                raise StoreError(message, code="lineage_damaged") from error
            found.append(record)
        return found

    def lines(self) -> list[bytes]:
        """The whole lines; what a kill left unfinished was acknowledged to nobody and is none."""
        try:
            return self.path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(f"{self.path} cannot be read: {error.strerror}", code="lineage_unavailable") from error

    def head(self) -> _Place | None:
        """The last record that was acknowledged, as `head` names it; None where there is no such file."""
        try:
            number, name = self._head.read_text(encoding="ascii").split()
            return int(number), name
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StoreError(f"{self._head} cannot be read: {error}", code="lineage_damaged") from error

    def _last(self) -> _Place:
        """The last record; raises `StoreError` where it is before the one that was acknowledged last."""
        self._drop_unfinished()
        lines = self.lines()
        last: _Place = (0, ORIGIN)
        with contextlib.suppress(ValueError, KeyError, TypeError):
            if lines:
                fields: Any = json.loads(lines[-1])
                last = int(fields["number"]), str(fields["hash"])
        head = self.head()
        if (lines and last[0] != len(lines)) or (head is not None and last[0] < head[0]):
            message = f"{self.path} is damaged: see `backtalk lineage verify`; nothing is appended to it"
            raise StoreError(message, code="lineage_damaged")
        return last

    def _drop_unfinished(self) -> None:
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            _log.warning("an unfinished record is dropped", extra={"bytes": len(content) - whole})
            os.truncate(self.path, whole)

    def _write(self, line: bytes) -> None:
        descriptor = os.open(self.path, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            write_all(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _alone(self) -> Generator[None]:
        """Hold the lock; the kernel frees it with the process."""
        make_directory(self.directory)
        descriptor = os.open(self.directory / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
