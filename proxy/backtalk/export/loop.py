"""The loop that feeds one exporter: reads the journal behind a cursor of its own and delivers batch after batch.

In: the journal's directory. Out: calls of `export`. A batch that fails comes again, with growing pauses, for as long as
it takes; only what the journal itself has cut off meanwhile is passed over, counted and said. The cursor moves after
success. Where texts are erased from the journal, what was read before is let go and read anew.
"""

import logging
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from backtalk.export.host import Forgetting, Recalling
from backtalk.model.facts import CallClosed, Fact, decode_entry
from backtalk.plugin.protocols import Exporter
from backtalk.spool import Cursor, Record, Tail, read_back
from backtalk.telemetry import Metrics

MAX_CALLS: Final = 128
MAX_BATCH_BYTES: Final = 1 << 20
_log = logging.getLogger(__name__)


class Pauses(NamedTuple):
    """Waits: between two looks at an idle journal, and after failures, from `first_s` doubling up to `most_s`."""

    idle_s: float = 0.1
    first_s: float = 0.5
    most_s: float = 30.0

    def after(self, failures: int) -> float:
        """How long to wait after so many failures in a row."""
        return min(self.first_s * 2.0 ** min(failures - 1, 30), self.most_s)


_PAUSES: Final = Pauses()


class Batch(NamedTuple):
    """Facts that are delivered together, and the position behind them."""

    facts: tuple[Fact, ...]
    end: int


class ExportLoop:
    """One exporter's thread. `position` is what the journal may be cut behind."""

    def __init__(
        self,
        exporter: Exporter,
        journal_directory: Path,
        cursor: Cursor,
        metrics: Metrics,
        *,
        pauses: Pauses = _PAUSES,
        recall_bytes: int = 0,
    ) -> None:
        self.name = exporter.name
        self._exporter = exporter
        self._cursor = cursor
        self._metrics = metrics
        self._pauses = pauses
        start = cursor.load()
        self.position = start or 0
        self._journal_directory = journal_directory
        self._recall_bytes = recall_bytes if isinstance(exporter, Recalling) else 0
        self._tail = Tail(journal_directory, self.position)
        self._lost_bytes: int | None = None if start is None else 0
        self._waiting: deque[Record] = deque()
        self._asked = self._reread = 0
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._abandon = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"export-{self.name}", daemon=True)

    def reread(self) -> None:
        """Let go of all that was read and not delivered, and read it anew: texts were erased in the journal."""
        self._asked += 1
        self._wake.set()

    @property
    def has_reread(self) -> bool:
        """Whether that is done, and nothing is under way any more that was read before."""
        return self._reread == self._asked or not self._thread.is_alive()

    @property
    def needed(self) -> int:
        """From where on the journal is to be kept: what is not delivered, and what a restart is to recall."""
        return max(0, self.position - self._recall_bytes)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self, deadline_s: float = 5.0) -> bool:
        """Deliver what waits if that succeeds at once, then close the exporter; False where it did not end in time."""
        self._stop.set()
        self._wake.set()
        self._thread.join(deadline_s)
        self._abandon.set()
        self._exporter.close()
        return not self._thread.is_alive()

    def _run(self) -> None:
        self._recall()
        with self._tail:
            while not self._abandon.is_set():
                batch = self._next() if self._forget() else None
                if batch is None:
                    if self._pause(self._pauses.idle_s):
                        return
                elif self._deliver(batch):
                    self._move(batch.end)
                elif self._stop.is_set():
                    return

    def _pause(self, pause_s: float) -> bool:
        """Wait, unless there is something to do; True where the loop is to end."""
        self._wake.wait(pause_s)
        return self._stop.is_set()

    def _forget(self) -> bool:
        """Do what `reread` asked for, in this thread; False where the exporter cannot, which then gets nothing more."""
        if self._reread == (asked := self._asked):
            return True
        self._wake.clear()
        if self._stop.is_set():
            self._wake.set()
        self._waiting.clear()
        self._tail.close()
        self._tail.offset = self.position
        try:
            if isinstance(self._exporter, Forgetting):
                self._exporter.forget()
        except Exception as error:  # noqa: BLE001 # the erasure waits, and it is asked again
            self._failed(error, 1)
            return False
        self._reread = asked
        return True

    def _recall(self) -> None:
        """Show the exporter what it has delivered lately; where that fails, only what is said late is poorer."""
        if not self._recall_bytes or not self.position or not isinstance(self._exporter, Recalling):
            return
        try:
            for record in read_back(self._journal_directory, self.needed, self.position):
                if self._stop.is_set():
                    return
                self._exporter.recall(tuple(self._decode(record)))
        except Exception as error:  # noqa: BLE001 # a past that cannot be read must not hold up the present
            _log.warning("an exporter recalls nothing", extra={"exporter": self.name, "reason": str(error)})

    def _move(self, end: int) -> None:
        """Remember how far it came; a disk that refuses costs a repeat after a restart, no delivery."""
        self.position = end
        try:
            self._cursor.save(end)
        except OSError as error:
            _log.error("an exporter's cursor could not be saved", extra={"exporter": self.name, "reason": str(error)})

    def _next(self) -> Batch | None:
        """The next batch, None where nothing waits."""
        if not self._waiting:
            self._read()
        self._metrics.set("backtalk.export.lag", self._tail.offset - self.position, exporter=self.name)
        facts: list[Fact] = []
        end = self.position
        calls = 0
        while self._waiting and calls < MAX_CALLS:
            record = self._waiting.popleft()
            end = record.next_offset
            entry = tuple(self._decode(record))
            calls += sum(isinstance(fact, CallClosed) for fact in entry)
            facts += entry
        return Batch(tuple(facts), end) if end != self.position else None

    def _read(self) -> None:
        try:
            self._waiting.extend(self._tail.read(MAX_BATCH_BYTES))
        except OSError as error:
            _log.error("the journal could not be read", extra={"exporter": self.name, "reason": str(error)})
        self._count_lost()

    def _decode(self, record: Record) -> Iterator[Fact]:
        try:
            yield from decode_entry(record.payload).facts
        except msgspec.MsgspecError as error:
            self._metrics.add("backtalk.export.dropped", exporter=self.name, reason="bad_entry")
            _log.error("a journal entry cannot be read", extra={"offset": record.offset, "reason": str(error)})

    def _count_lost(self) -> None:
        lost_bytes = self._tail.lost_bytes
        if self._lost_bytes is not None and lost_bytes > self._lost_bytes:
            skipped = lost_bytes - self._lost_bytes
            self._metrics.add("backtalk.journal.skipped", skipped, reader=self.name)
            _log.error("an exporter fell behind the journal", extra={"exporter": self.name, "skipped_bytes": skipped})
        if self._waiting or self._lost_bytes is not None:
            self._lost_bytes = lost_bytes

    def _deliver(self, batch: Batch) -> bool:
        """Deliver until it succeeds; False where it failed and the loop is to end, or the batch to be read anew."""
        failures = 0
        while not self._abandon.is_set() and self._reread == self._asked:
            try:
                if batch.facts:
                    self._exporter.export(batch.facts)
            except Exception as error:  # noqa: BLE001 # whatever an exporter raises, the batch comes again
                failures += 1
                self._failed(error, failures)
                if self._pause(self._pauses.after(failures)):
                    return False
            else:
                self._metrics.add("backtalk.export.facts", len(batch.facts), exporter=self.name)
                return True
        return False

    def _failed(self, error: Exception, failures: int) -> None:
        self._metrics.add("backtalk.export.failed", exporter=self.name)
        _log.warning(
            "an exporter failed and will be tried again",
            extra={"exporter": self.name, "reason": f"{type(error).__name__}: {error}", "failures": failures},
        )
