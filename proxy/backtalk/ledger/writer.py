"""The thread that carries the journal into the ledger.

In: the journal's directory. Out: commits, every few seconds or megabytes, whichever comes first, and a cursor that
tells readers how far the tables are. A store that is away
stops nothing: entries wait in the journal, and the pauses between tries grow.
"""

import logging
import threading
from collections.abc import Sequence
from typing import Final, Protocol

from backtalk import clock
from backtalk.errors import StoreError
from backtalk.ledger.ledger import Ledger
from backtalk.model.facts import JournalEntry, decode_entry
from backtalk.settings import LedgerSettings
from backtalk.telemetry import Metrics

_log = logging.getLogger(__name__)
_POLL_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 30.0


class JournalRecord(Protocol):
    """One journal entry and the position behind it; `spool.Record` is one."""

    @property
    def next_offset(self) -> int:
        """The position behind the entry."""
        ...

    @property
    def payload(self) -> bytes:
        """The encoded entry."""
        ...


class JournalTail(Protocol):
    """Reads on in the journal; `spool.Tail` is one."""

    def read(self) -> Sequence[JournalRecord]:
        """What is new."""
        ...


class Place(Protocol):
    """Remembers how far the tables are; `spool.Cursor` is one."""

    def save(self, offset: int) -> None:
        """Remember a position."""
        ...


class LedgerWriter:
    """Carries on from where the tables are, with a `tail` that stands at `ledger.committed`; `committed` may be read from any thread."""

    def __init__(
        self, ledger: Ledger, tail: JournalTail, settings: LedgerSettings, metrics: Metrics, *, cursor: Place
    ) -> None:
        self._ledger = ledger
        self._cursor = cursor
        self._tail = tail
        self._settings = settings
        self._metrics = metrics
        self._batch: list[tuple[int, JournalEntry]] = []
        self._batch_bytes = 0
        self._batch_since_ns = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    @property
    def committed(self) -> int:
        """The journal's position up to which everything is in the tables."""
        return self._ledger.committed

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Commit what the journal holds and end; gives up after the timeout, since the journal keeps the rest."""
        self._stopping.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        pause_s = _POLL_S
        while True:
            stopping = self._stopping.is_set()
            try:
                more = self._step(last=stopping)
                pause_s = _POLL_S
            except StoreError as error:
                self._metrics.add("backtalk.ledger.failed")
                _log.warning("the ledger cannot be written; its facts wait", extra={"error": error.message})
                more, pause_s = False, min(2 * pause_s + 0.4, _LONGEST_PAUSE_S)
            if stopping and not more:
                return
            if not more:
                self._stopping.wait(pause_s)

    def _step(self, *, last: bool) -> bool:
        """Take what is new, commit if it is time; True where the journal may hold more."""
        records = self._tail.read() if self._batch_bytes < self._settings.commit_bytes else []
        if records and not self._batch:
            self._batch_since_ns = clock.monotonic_ns()
        for record in records:
            self._batch.append((record.next_offset, decode_entry(record.payload)))
            self._batch_bytes += len(record.payload)
        waited_s = (clock.monotonic_ns() - self._batch_since_ns) / clock.NS_PER_S
        full = self._batch_bytes >= self._settings.commit_bytes
        if self._batch and (full or waited_s >= self._settings.commit_s or (last and not records)):
            self._ledger.commit(self._batch)
            self._cursor.save(self._ledger.committed)
            self._batch, self._batch_bytes = [], 0
        return bool(records)
