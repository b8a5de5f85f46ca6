"""The journal's followers: the ledger first, each from its own place, and none before what it has delivered."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backtalk.errors import SetupError
from backtalk.ledger.reader import LedgerReader
from backtalk.model.facts import JournalEntry, encode_entry
from backtalk.settings import JournalSettings, LedgerSettings, Settings, TelemetrySettings
from backtalk.spool import Cursor, Journal
from backtalk.telemetry import Metrics
from backtalk.testing import stories
from backtalk.testing.waiting import wait_until
from backtalk.worker.core import Follower
from backtalk.worker.followers import followers_of


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """The journal that is followed."""
    made = Journal.open(tmp_path / "journal", JournalSettings(), metrics=Metrics())
    yield made
    made.close()


def followers(
    data_dir: Path, journal: Journal, *exporters: str, content: bool = True, recall_bytes: int = 0
) -> list[Follower]:
    """What follows it, not started."""
    settings = Settings(
        data_dir=data_dir,
        telemetry=TelemetrySettings(exporters=exporters, recall_bytes=recall_bytes),
        ledger=LedgerSettings(commit_s=0.02, content=content),
    )
    return followers_of(settings, journal, b"s" * 32, Metrics("worker"))


def append(journal: Journal) -> int:
    """A call's end; gives the position behind it."""
    return journal.append(encode_entry(JournalEntry((stories.closed(),))))


def test_the_ledger_is_first_and_the_exporters_follow_as_named(tmp_path: Path, journal: Journal) -> None:
    """A name that nobody installed is refused by name."""
    made = followers(tmp_path, journal, "otlp")
    assert [follower.name for follower in made] == ["ledger", "otlp"]
    assert [follower.position() for follower in made] == [0, 0]
    with pytest.raises(SetupError, match="nobody"):
        followers(tmp_path, journal, "nobody")


def test_each_delivers_the_journal_and_says_how_far(tmp_path: Path, journal: Journal) -> None:
    """Positions are those up to which the journal is not needed any more; a restart goes on there."""
    first = followers(tmp_path, journal, "otlp")
    for follower in first:
        follower.start()
    end = append(journal)
    for follower in first:
        wait_until(lambda: follower.position() == end, 20, what=f"the delivery to {follower.name}")  # noqa: B023 -- called at once
        follower.stop(10)
    assert len(LedgerReader(tmp_path / "ledger").everything("calls", order="opened_ns")) == 1
    for follower in first:
        assert Cursor(tmp_path / "cursors" / follower.name, stream=journal.id).load() == end


def test_what_came_while_none_ran_is_delivered_once(tmp_path: Path, journal: Journal) -> None:
    """Stopping commits what is there; the next life takes the rest, and nothing twice."""
    ends = [0]
    for _ in range(3):
        (ledger,) = followers(tmp_path, journal)
        assert ledger.position() == ends[-1]
        ends.append(append(journal))
        ledger.start()
        ledger.stop(20)
        assert ledger.position() == ends[-1]
    assert len(LedgerReader(tmp_path / "ledger").everything("calls", order="opened_ns")) == 3


def test_texts_are_kept_as_the_settings_say(tmp_path: Path, journal: Journal) -> None:
    """Without content the ledger has ids and sizes alone."""
    (ledger,) = followers(tmp_path, journal, content=False)
    append(journal)
    ledger.start()
    ledger.stop(20)
    messages = LedgerReader(tmp_path / "ledger").everything("messages", order="first_seen_ns")
    assert messages
    assert {row["json"] for row in messages} == {None}


def test_journal_is_kept_behind_an_exporter_that_recalls(tmp_path: Path, journal: Journal) -> None:
    """What it has delivered is read again after a restart; what it asks of the journal never exceeds that."""
    _, otlp = followers(tmp_path, journal, "otlp", recall_bytes=1_000_000)
    otlp.start()
    end = append(journal)
    cursor = Cursor(tmp_path / "cursors" / "otlp", stream=journal.id)
    wait_until(lambda: cursor.load() == end, 20, what="the delivery")
    assert otlp.position() == 0
    otlp.stop(10)
