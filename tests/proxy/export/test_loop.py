"""The loop that feeds an exporter, on a real journal."""

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from backtalk.export.loop import MAX_CALLS, ExportLoop, Pauses
from backtalk.model.facts import CallClosed, Fact, JournalEntry, encode_entry
from backtalk.settings import JournalSettings
from backtalk.spool import Cursor, Journal
from backtalk.telemetry import Metrics
from backtalk.testing import stories
from backtalk.testing.facts import closed_call
from backtalk.testing.waiting import wait_until

QUICK = Pauses(idle_s=0.001, first_s=0.001, most_s=0.004)


class Recorder:
    """An exporter that keeps batches, and fails when it is told to."""

    name: ClassVar[str] = "recorder"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1"

    def __init__(self, failing: Callable[[int], bool] = lambda _tries: False) -> None:
        self.batches: list[Sequence[Fact]] = []
        self.tries = 0
        self.closed = 0
        self._failing = failing

    def export(self, facts: Sequence[Fact]) -> None:
        """Keep a batch."""
        self.tries += 1
        if self._failing(self.tries):
            raise ConnectionError("receiver is away")
        self.batches.append(facts)

    def close(self) -> None:
        """Count."""
        self.closed += 1

    @property
    def calls(self) -> list[str]:
        """Span ids in the order of their arrival."""
        return [fact.opened.span_id for batch in self.batches for fact in batch if isinstance(fact, CallClosed)]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal with small segments."""
    settings = JournalSettings(limit_bytes=200_000, segment_bytes=20_000)
    journal = Journal.open(tmp_path / "journal", settings, metrics=Metrics())
    yield journal
    journal.close()


def _append(journal: Journal, count: int = 1) -> list[str]:
    calls = [closed_call() for _ in range(count)]
    for call in calls:
        journal.append(encode_entry(JournalEntry((call,))))
    return [call.opened.span_id for call in calls]


@contextmanager
def _running(exporter: Recorder, tmp_path: Path, metrics: Metrics | None = None) -> Generator[ExportLoop]:
    cursor = Cursor(tmp_path / "cursors" / "recorder")
    loop = ExportLoop(exporter, tmp_path / "journal", cursor, metrics or Metrics(), pauses=QUICK)
    loop.start()
    try:
        yield loop
    finally:
        assert loop.stop()


def test_every_fact_is_delivered_in_order(journal: Journal, tmp_path: Path) -> None:
    """What was there before and what comes later, in batches of a bounded number of calls."""
    exporter = Recorder()
    expected = _append(journal, 200)
    with _running(exporter, tmp_path):
        wait_until(lambda: len(exporter.calls) == 200)
        expected += _append(journal, 100)
        wait_until(lambda: len(exporter.calls) == 300)
    assert exporter.calls == expected
    assert max(len(batch) for batch in exporter.batches) <= MAX_CALLS
    assert exporter.closed == 1


def test_failed_batch_comes_again_until_it_is_taken(journal: Journal, tmp_path: Path) -> None:
    """Nothing is left out and nothing overtakes."""
    exporter = Recorder(failing=lambda tries: tries <= 20)
    metrics = Metrics()
    expected = _append(journal, 10)
    with _running(exporter, tmp_path, metrics):
        wait_until(lambda: exporter.calls == expected)
    assert metrics.snapshot().value("backtalk.export.failed", exporter="recorder") == 20
    assert metrics.snapshot().value("backtalk.export.facts", exporter="recorder") == 10


def test_restart_goes_on_behind_what_was_delivered(journal: Journal, tmp_path: Path) -> None:
    """The cursor is saved after success, and position is what the journal may be cut behind."""
    first, second = Recorder(), Recorder()
    _append(journal, 3)
    with _running(first, tmp_path) as loop:
        wait_until(lambda: loop.position == journal.end)
    later = _append(journal, 2)
    with _running(second, tmp_path):
        wait_until(lambda: second.calls == later)


def test_undelivered_batch_comes_again_after_a_restart(journal: Journal, tmp_path: Path) -> None:
    """The cursor never moves before success."""
    broken, whole = Recorder(failing=lambda _tries: True), Recorder()
    expected = _append(journal, 3)
    with _running(broken, tmp_path) as loop:
        wait_until(lambda: broken.tries > 3)
        assert loop.position == 0
    with _running(whole, tmp_path):
        wait_until(lambda: whole.calls == expected)


def test_reader_that_lags_beyond_the_journal_skips_and_says_so(journal: Journal, tmp_path: Path) -> None:
    """The bytes it has missed are counted; what is left comes in order."""
    gate = threading.Event()
    exporter = Recorder(failing=lambda tries: tries > 1 and not gate.is_set())
    metrics = Metrics()
    _append(journal)
    with _running(exporter, tmp_path, metrics):
        wait_until(lambda: len(exporter.calls) == 1)
        _append(journal)
        wait_until(lambda: exporter.tries > 2)
        written = _append(journal, 1_500)
        gate.set()
        wait_until(lambda: written[-1] in exporter.calls, 20)
    delivered = [written.index(span) for span in exporter.calls if span in set(written)]
    assert delivered == sorted(set(delivered))
    assert len(delivered) < len(written)
    assert metrics.snapshot().value("backtalk.journal.skipped", reader="recorder") > 0


def test_unreadable_entry_costs_only_itself(journal: Journal, tmp_path: Path) -> None:
    """An entry that cannot be decoded is counted and passed over."""
    exporter = Recorder()
    metrics = Metrics()
    journal.append(b"\xc1")
    expected = _append(journal)
    with _running(exporter, tmp_path, metrics):
        wait_until(lambda: exporter.calls == expected)
    assert metrics.snapshot().value("backtalk.export.dropped", reason="bad_entry") == 1


def test_disk_that_takes_no_cursor_stops_no_delivery(journal: Journal, tmp_path: Path) -> None:
    """What cannot be remembered is delivered all the same."""
    (tmp_path / "cursors").write_text("in the way", encoding="ascii")
    exporter = Recorder()
    expected = _append(journal, 3)
    with _running(exporter, tmp_path):
        wait_until(lambda: exporter.calls == expected)
        expected += _append(journal, 3)
        wait_until(lambda: exporter.calls == expected)


def test_stop_delivers_what_waits(journal: Journal, tmp_path: Path) -> None:
    """A healthy exporter loses nothing by a stop, a failing one does not delay it."""
    exporter = Recorder()
    expected = _append(journal, 300)
    with _running(exporter, tmp_path):
        pass
    assert exporter.calls == expected


def test_pauses_grow_to_their_limit() -> None:
    """Half a second, one, two, ... thirty."""
    assert [Pauses().after(failures) for failures in (1, 2, 3, 7, 100_000)] == [0.5, 1.0, 2.0, 30.0, 30.0]


class Recalling(Recorder):
    """An exporter that wants to know what was delivered before it began."""

    def __init__(self) -> None:
        super().__init__()
        self.recalled: list[str] = []

    def recall(self, facts: Sequence[Fact]) -> None:
        """Keep the span ids."""
        assert not self.batches
        self.recalled += [fact.opened.span_id for fact in facts if isinstance(fact, CallClosed)]


def test_restart_recalls_what_was_delivered_lately_before_it_goes_on(journal: Journal, tmp_path: Path) -> None:
    """From a segment's beginning on, up to the cursor and not beyond; and the journal is kept for it."""
    expected = _append(journal, 30)
    with _running(Recorder(), tmp_path) as loop:
        wait_until(lambda: loop.position == journal.end)
        assert loop.needed == loop.position
    later = _append(journal, 2)
    second = Recalling()
    cursor = Cursor(tmp_path / "cursors" / "recorder")
    again = ExportLoop(second, tmp_path / "journal", cursor, Metrics(), pauses=QUICK, recall_bytes=8_000)
    again.start()
    wait_until(lambda: second.calls == later)
    assert again.needed == max(0, journal.end - 8_000)
    assert again.stop()
    assert second.recalled == expected[-len(second.recalled) :]
    assert len(second.recalled) >= 8
    journal.trim(again.needed)


def test_past_that_cannot_be_read_holds_up_nothing(journal: Journal, tmp_path: Path) -> None:
    """What is said late is poorer, and that is all."""
    _append(journal, 3)
    with _running(Recorder(), tmp_path) as loop:
        wait_until(lambda: loop.position == journal.end)

    class Forgetful(Recalling):
        def recall(self, facts: Sequence[Fact]) -> None:
            raise ValueError(len(facts))

    exporter, later = Forgetful(), _append(journal)
    cursor = Cursor(tmp_path / "cursors" / "recorder")
    again = ExportLoop(exporter, tmp_path / "journal", cursor, Metrics(), pauses=QUICK, recall_bytes=8_000)
    again.start()
    wait_until(lambda: exporter.calls == later)
    assert again.stop()


class _Holding(Recorder):
    """An exporter that keeps more than it is given at a time."""

    def __init__(self, failing: Callable[[int], bool]) -> None:
        super().__init__(failing)
        self.forgotten = 0
        self.unable = False

    def forget(self) -> None:
        """Count, or fail."""
        if self.unable:
            raise RuntimeError("not now")
        self.forgotten += 1


def _failures(metrics: Metrics) -> float:
    return metrics.snapshot().value("backtalk.export.failed", exporter="recorder")


def _blanked(payload: bytes) -> bytes:
    return payload.replace(b"Kanarienvogel", b"-------------")


def test_what_was_read_before_texts_were_erased_is_read_anew(journal: Journal, tmp_path: Path) -> None:
    """A batch that waits for its receiver, and all that lies behind it; nothing comes twice and nothing is missing."""
    calls = [stories.closed(answered=f"Kanarienvogel {number}") for number in range(300)]
    for call in calls:
        journal.append(encode_entry(JournalEntry((call,))))
    away = threading.Event()
    away.set()
    exporter = _Holding(lambda _tries: away.is_set())
    with _running(exporter, tmp_path) as loop:
        wait_until(lambda: exporter.tries > 2, what="tries")
        journal.rewrite(_blanked)
        loop.reread()
        wait_until(lambda: loop.has_reread, what="the end of rereading")
        away.clear()
        wait_until(lambda: len(exporter.calls) == len(calls), what="all calls")
    assert exporter.calls == [call.opened.span_id for call in calls]
    assert "Kanarienvogel" not in str(exporter.batches)
    assert exporter.forgotten == 1


def test_an_exporter_that_cannot_forget_gets_nothing_until_it_can(journal: Journal, tmp_path: Path) -> None:
    """What it keeps may be somebody's texts, so nobody says that it is done; nothing is lost."""
    exporter, metrics = _Holding(lambda _tries: False), Metrics()
    exporter.unable = True
    with _running(exporter, tmp_path, metrics) as loop:
        loop.reread()
        spans = _append(journal)
        wait_until(lambda: _failures(metrics) > 1, what="that it was asked again")
        assert (exporter.calls, loop.has_reread) == ([], False)
        exporter.unable = False
        wait_until(lambda: exporter.calls == spans, what="the call")
        assert loop.has_reread


def test_a_loop_that_has_ended_keeps_nothing(journal: Journal, tmp_path: Path) -> None:
    """Nobody waits for it."""
    del journal
    with _running(Recorder(), tmp_path) as loop:
        pass
    loop.reread()
    assert loop.has_reread
