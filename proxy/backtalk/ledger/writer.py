"""The thread that carries the journal into the ledger.

In: a tail of the journal that starts at `Ledger.committed`. Out: commits, every few seconds or megabytes, whichever
comes first. A store that is away stops nothing: entries wait in the journal, at most one batch in memory, and the
pauses between tries grow.
"""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Final, Protocol

import msgspec

from backtalk import clock
from backtalk.errors import StoreError
from backtalk.ledger.days import day
from backtalk.ledger.erasing import Erasure, Order
from backtalk.ledger.ledger import Ledger
from backtalk.model.facts import JournalEntry, decode_entry
from backtalk.settings import LedgerSettings
from backtalk.telemetry import Metrics

_log = logging.getLogger(__name__)
_POLL_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 30.0


class JournalRecord(Protocol):
    """One entry of the journal, still encoded."""

    @property
    def next_offset(self) -> int:
        """The position behind it."""
        ...

    @property
    def payload(self) -> bytes:
        """The encoded entry."""
        ...


class Source(Protocol):
    """Where the entries come from (`spool.Tail` is one)."""

    @property
    def lost_bytes(self) -> int:
        """How much was gone before it could be read."""
        ...

    def read(self) -> Sequence[JournalRecord]:
        """The next entries; none where nothing is new."""
        ...


class LedgerWriter:
    """Commits what the source gives; `committed` may be read from any thread."""

    def __init__(self, ledger: Ledger, source: Source, settings: LedgerSettings, metrics: Metrics) -> None:
        self._ledger = ledger
        self._source = source
        self._settings = settings
        self._metrics = metrics
        self._batch: list[tuple[int, JournalEntry]] = []
        self._batch_bytes = 0
        self._batch_since_ns = 0
        self._lost_bytes = 0
        self._orders: deque[tuple[Order, Future[Erasure]]] = deque()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    @property
    def committed(self) -> int:
        """The journal's position up to which everything is in the tables."""
        return self._ledger.committed

    def erase(self, order: Order) -> "Future[Erasure]":
        """Have a person's texts taken out between two commits."""
        asked: Future[Erasure] = Future()
        self._orders.append((order, asked))
        return asked

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Commit what the journal holds and end; False where it did not in time: the journal keeps the rest."""
        self._stopping.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        pause_s = _POLL_S
        while True:
            stopping = self._stopping.is_set()
            more = False
            try:
                more = self._step(last=stopping)
                pause_s = _POLL_S
            except StoreError as error:
                self._metrics.add("backtalk.ledger.failed")
                _log.warning("the ledger cannot be written; its facts wait", extra={"error": error.message})
                pause_s = min(2 * pause_s + 0.4, _LONGEST_PAUSE_S)
            except Exception:  # noqa: BLE001 -- must not end the only way into the ledger; it is said each time
                self._metrics.add("backtalk.ledger.failed")
                _log.exception("the ledger writer failed; its facts wait")
                pause_s = _LONGEST_PAUSE_S
            if stopping and not more:
                return
            if not more:
                self._stopping.wait(pause_s)

    def _step(self, *, last: bool) -> bool:
        """Take what is new, commit if it is time; True where the journal may hold more."""
        taken = self._take() if self._batch_bytes < self._settings.commit_bytes else False
        self._metrics.set("backtalk.ledger.lag", self._batch_bytes)
        if self._is_due(last=last and not taken):
            self._ledger.commit(self._batch)
            self._batch, self._batch_bytes = [], 0
            self._maintain()
        while self._orders:
            self._carry_out(*self._orders.popleft())
        return taken

    def _carry_out(self, order: Order, asked: "Future[Erasure]") -> None:
        """Erase; whoever asked hears of a failure, and asks again."""
        try:
            asked.set_result(self._ledger.erase(order))
        except Exception as error:  # noqa: BLE001 -- told to whom it belongs: the writer goes on
            asked.set_exception(error)

    def _take(self) -> bool:
        records = self._source.read()
        if records and not self._batch:
            self._batch_since_ns = clock.monotonic_ns()
        for record in records:
            self._batch_bytes += len(record.payload)
            if (entry := self._decode(record)) is not None:
                self._batch.append((record.next_offset, entry))
        if (lost := self._source.lost_bytes) > self._lost_bytes:
            self._metrics.add("backtalk.journal.skipped", lost - self._lost_bytes, reader="ledger")
            self._lost_bytes = lost
        return bool(records)

    def _decode(self, record: JournalRecord) -> JournalEntry | None:
        try:
            return decode_entry(record.payload)
        except msgspec.MsgspecError as error:
            self._metrics.add("backtalk.journal.skipped", len(record.payload), reader="ledger")
            _log.error("a journal entry cannot be read; it is left out", extra={"error": str(error)})
            return None

    def _is_due(self, *, last: bool) -> bool:
        if not self._batch:
            self._batch_bytes = 0
            return False
        waited_s = (clock.monotonic_ns() - self._batch_since_ns) / clock.NS_PER_S
        full = self._batch_bytes >= self._settings.commit_bytes
        return full or last or waited_s >= self._settings.commit_s

    def _maintain(self) -> None:
        """Compaction may fail without harm: the rows are there, and it is tried again later."""
        try:
            self._ledger.maintain(day(clock.now().wall_ns))
        except StoreError as error:
            _log.warning("the ledger could not be compacted", extra={"error": error.message})
