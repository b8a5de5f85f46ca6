"""The thread from journal to tables, killed and starved."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from backtalk.ledger.ledger import Ledger
from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.rows import Rows
from backtalk.ledger.writer import LedgerWriter
from backtalk.model.facts import JournalEntry, encode_entry
from backtalk.settings import JournalSettings, LedgerSettings
from backtalk.spool.cursor import Cursor
from backtalk.spool.journal import Journal
from backtalk.spool.tail import Tail
from backtalk.telemetry import Metrics
from backtalk.testing import stories
from backtalk.testing.waiting import wait_until

ROWS = Rows(b"secret")
FAST = LedgerSettings(commit_s=0.02, compact_every=5)
CHILD: Final = """
import sys, time
from pathlib import Path
from backtalk.ledger.ledger import Ledger
from backtalk.ledger.rows import Rows
from backtalk.ledger.writer import LedgerWriter
from backtalk.settings import LedgerSettings
from backtalk.spool.cursor import Cursor
from backtalk.spool.tail import Tail
from backtalk.telemetry import Metrics

root = Path(sys.argv[1])
mark = Cursor(root / "cursor", stream=sys.argv[2])
ledger = Ledger(root / "ledger", sys.argv[2], rows=Rows(b"secret"), compact_every=5, mark=mark)
settings = LedgerSettings(commit_s=0.02, compact_every=5)
writer = LedgerWriter(ledger, Tail(root / "journal", ledger.committed), settings, Metrics())
writer.start()
print("ready", flush=True)
while True:
    time.sleep(60)
"""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal to follow."""
    made = Journal.open(tmp_path / "journal", JournalSettings(), metrics=Metrics())
    yield made
    made.close()


def test_writer_commits_within_its_time_and_at_the_end(tmp_path: Path, journal: Journal) -> None:
    """Entries are committed soon, and what is left when it stops is committed then."""
    ledger = Ledger(tmp_path / "ledger", journal.id, rows=ROWS)
    writer = LedgerWriter(ledger, Tail(tmp_path / "journal"), FAST, Metrics())
    writer.start()
    first = journal.append(encode_entry(JournalEntry((stories.closed(),))))
    wait_until(lambda: writer.committed == first, what="the first commit")

    last = journal.append(encode_entry(JournalEntry((stories.closed(),))))
    writer.stop(10)

    assert writer.committed == last
    ledger.close()


def test_entry_that_cannot_be_read_is_left_out_and_counted(tmp_path: Path, journal: Journal) -> None:
    """One bad entry does not end the ledger."""
    metrics = Metrics()
    ledger = Ledger(tmp_path / "ledger", journal.id, rows=ROWS)
    journal.append(b"\xc1 not an entry")
    end = journal.append(encode_entry(JournalEntry((stories.closed(),))))
    writer = LedgerWriter(ledger, Tail(tmp_path / "journal"), FAST, metrics)
    writer.start()
    wait_until(lambda: writer.committed == end, what="the commit behind the bad entry")
    writer.stop(10)

    assert metrics.snapshot().value("backtalk.journal.skipped", reader="ledger") > 0
    ledger.close()


def test_table_that_is_away_is_waited_for(tmp_path: Path, journal: Journal) -> None:
    """While the store cannot be written nothing is lost; afterwards everything is there once."""
    ledger = Ledger(tmp_path / "ledger", journal.id, rows=ROWS)
    away = tmp_path / "ledger" / "calls" / "_delta_log"
    away.rename(tmp_path / "aside")
    away.write_bytes(b"a file where the log belongs")
    metrics = Metrics()
    writer = LedgerWriter(ledger, Tail(tmp_path / "journal"), FAST, metrics)
    writer.start()
    end = journal.append(encode_entry(JournalEntry((stories.closed(),))))
    wait_until(lambda: metrics.snapshot().value("backtalk.ledger.failed") > 0, what="a failure")

    away.unlink()
    (tmp_path / "aside").rename(away)
    wait_until(lambda: writer.committed == end, timeout_s=20, what="the commit")

    writer.stop(10)
    assert len(LedgerReader(tmp_path / "ledger").everything("calls", order="opened_ns")) == 1
    ledger.close()


def kill_at_random(tmp_path: Path, journal: Journal, kills: int) -> Counter[str]:
    """Feed the journal while the writer is killed again and again; count the rows of each call."""
    expected: list[str] = []
    chance = random.Random(kills)  # noqa: S311 -- when to kill is no secret
    for _ in range(kills):
        arguments = [sys.executable, "-c", CHILD, str(tmp_path), journal.id]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            until = time.monotonic() + chance.uniform(0.01, 0.3)
            while time.monotonic() < until:
                call = stories.closed()
                expected.append(call.key.trace_id)
                journal.append(encode_entry(JournalEntry((call, stories.linked(call.opened)))))
            child.send_signal(signal.SIGKILL)
    ledger = Ledger(tmp_path / "ledger", journal.id, rows=ROWS, mark=Cursor(tmp_path / "cursor", stream=journal.id))
    writer = LedgerWriter(ledger, Tail(tmp_path / "journal", ledger.committed), FAST, Metrics())
    writer.start()
    writer.stop(60)
    ledger.close()
    reader = LedgerReader(tmp_path / "ledger")
    counts = Counter(row["trace_id"] for row in reader.everything("calls", order="opened_ns"))
    links = Counter(row["trace_id"] for row in reader.everything("signals", order="found_ns"))
    assert counts == links == Counter(expected)
    return counts


def test_killed_writer_neither_loses_nor_doubles(tmp_path: Path, journal: Journal) -> None:
    """SIGKILL at any moment, in commits and compactions: every fact is in its table exactly once."""
    assert kill_at_random(tmp_path, journal, 4)


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_writer_killed_dozens_of_times_neither_loses_nor_doubles(tmp_path: Path, journal: Journal) -> None:
    """The same, for as long as it takes to hit every place."""
    assert kill_at_random(tmp_path, journal, 60)
