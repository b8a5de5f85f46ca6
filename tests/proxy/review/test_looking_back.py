"""A replay over a ledger: what it finds, what it writes, and what is read afterwards."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from backtalk import clock, installation
from backtalk.detect.desk import Desk
from backtalk.errors import SetupError
from backtalk.feedback.given import feedback_given
from backtalk.ledger.ledger import Ledger
from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.rows import Rows
from backtalk.model.facts import CallClosed, Fact, JournalEntry, SignalFound
from backtalk.observe.open_calls import OpenCalls
from backtalk.plugin.discovery import load_detectors
from backtalk.review.looking_back import Outcome, Range, lines, look_back, write
from backtalk.session.memory_store import MemorySessionStore
from backtalk.settings import Settings
from backtalk.spool import Intake
from backtalk.telemetry import Metrics
from backtalk.testing.dialogue import Dialogue, Stage
from backtalk.worker.decider import Decider

ALL = Range(0, 1 << 62)
NAMES = ("regeneration", "follow_up")


class Deployment:
    """A data directory whose worker takes what it is given when told to."""

    def __init__(self, data_dir: Path, *, content: bool = True) -> None:
        self.settings = Settings(data_dir=data_dir)
        self._content = content
        self._end = 0
        self.stage = Stage(detectors=load_detectors(NAMES, {}), secret=installation.secret(data_dir))
        chat = Dialogue(self.stage)
        chat.says("Tell me of the sea.")
        chat.says("How do the tides work?", answer="The moon pushes the water of the sea away.")
        chat.regenerates()
        chat.says("No, that's wrong.")
        self.commit(self.stage.facts)

    def commit(self, facts: Sequence[Fact]) -> None:
        """Facts come into the ledger."""
        self._end += 10
        rows = Rows(installation.secret(self.settings.data_dir), content=self._content)
        ledger = Ledger(self.settings.data_dir / "ledger", "journal-1", rows=rows)
        ledger.commit([(self._end, JournalEntry(tuple(facts)))])
        ledger.close()

    def work(self) -> list[Fact]:
        """The worker takes the spools, and the ledger what it decided."""
        spools = self.settings.data_dir / "spool"
        intake, metrics = Intake(spools, {}), Metrics("worker")
        desk = Desk(MemorySessionStore(), [], secret=b"s" * 32, settings=self.settings, metrics=metrics)
        worker = Decider(OpenCalls("x-session-id", metrics), desk, feedback_given, metrics)
        facts = [fact for item in intake.poll(1_000) for fact in worker.take(item.owner, item.frame)]
        for owner in intake.owners:
            intake.release(owner, 1 << 62, ())
        intake.close()
        self.commit(facts)
        return facts

    def reader(self) -> LedgerReader:
        """The ledger as it is now."""
        return LedgerReader(self.settings.data_dir / "ledger").pinned()

    def write(self, names: Sequence[str] = NAMES, within: Range = ALL) -> Outcome:
        """Replay and hand over."""
        return write(self.reader(), self.settings, names, within)

    def counted(self) -> list[dict[str, Any]]:
        """The signals that count."""
        rows = self.reader().everything("signals", order="found_ns")
        return [row for row in rows if row["fact"] == "signal"]


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """A dialogue with a regeneration and a complaint."""
    return Deployment(tmp_path)


def test_the_ledger_gives_the_same_signals_as_the_traffic_did(deployment: Deployment) -> None:
    """With the same ids, so that a replay of the same version writes nothing."""
    outcome = look_back(deployment.reader(), deployment.settings, NAMES, ALL)
    assert outcome.signals == sorted(deployment.stage.signals, key=lambda signal: (signal.found_ns, signal.signal_id))
    assert outcome.changes == []
    assert outcome.relinked == (4, 0, 0)


def test_the_same_ledger_gives_the_same_bytes(deployment: Deployment) -> None:
    """With links and without."""
    first, second = (look_back(deployment.reader(), deployment.settings, NAMES, ALL) for _ in range(2))
    assert lines(first, links=True) == lines(second, links=True)
    kinds = [json.loads(line)["type"] for line in lines(first, links=True).splitlines()]
    assert sorted(kinds) == ["session_linked"] * 4 + ["signal_found"] * 2
    assert len(lines(first, links=False).splitlines()) == 2


def test_a_detector_that_says_otherwise_counts_once_written(deployment: Deployment) -> None:
    """Its rows are new ones beside the old; reads take the new ones, and what it does not find is withdrawn."""
    stricter = {"follow_up": {"at_least": 0.99}}
    deployment.settings = Settings(data_dir=deployment.settings.data_dir, plugin=stricter)
    before = deployment.counted()
    outcome = deployment.write()
    assert [(each.detector, each.same, each.gone) for each in outcome.differences] == [
        ("follow_up", 0, 1),
        ("regeneration", 1, 0),
    ]
    deployment.work()
    assert [row["kind"] for row in before] == ["regeneration", "correction"]
    assert [row["kind"] for row in deployment.counted()] == ["regeneration"]
    everything = deployment.reader().everything("signals", order="found_ns", superseded=True)
    [withdrawal] = [row for row in everything if row["fact"] == "withdrawal"]
    assert (withdrawal["replay"], withdrawal["detector"]) == (1, "follow_up")
    assert len([row for row in everything if row["fact"] == "signal"]) == 2


def test_what_was_withdrawn_comes_back_with_the_next_replay(deployment: Deployment) -> None:
    """A replay is numbered after the last, and the last one counts."""
    ours = deployment.settings
    deployment.settings = Settings(data_dir=ours.data_dir, plugin={"follow_up": {"at_least": 0.99}})
    deployment.write()
    deployment.work()
    deployment.settings = ours
    assert deployment.write().number == 2
    deployment.work()
    assert [(row["kind"], row["replay"]) for row in deployment.counted()] == [("regeneration", None), ("correction", 2)]


def test_a_replay_is_written_once(deployment: Deployment) -> None:
    """A second one finds nothing that differs; before the worker has taken the first it is refused."""
    deployment.settings = Settings(data_dir=deployment.settings.data_dir, plugin={"follow_up": {"at_least": 0.99}})
    deployment.write()
    with pytest.raises(SetupError, match="not in the ledger yet"):
        deployment.write()
    assert len([fact for fact in deployment.work() if isinstance(fact, SignalFound)]) == 1
    assert deployment.write().changes == []
    assert deployment.work() == []


def test_what_lies_before_the_range_is_known_and_not_judged(deployment: Deployment) -> None:
    """The complaint alone is in the range; the answer that it is about lies before it."""
    last = max(fact.opened.opened_ns for fact in deployment.stage.facts if isinstance(fact, CallClosed))
    outcome = look_back(deployment.reader(), deployment.settings, NAMES, Range(last, last + clock.NS_PER_S))
    assert (outcome.calls, [signal.kind for signal in outcome.signals]) == (1, ["correction"])
    assert outcome.changes == []
    assert [(each.same, each.gone) for each in outcome.differences] == [(1, 0)]


def test_nothing_is_withdrawn_because_texts_were_not_kept(tmp_path: Path) -> None:
    """Without them a replay cannot see what the worker saw."""
    with pytest.raises(SetupError, match="texts of 4 calls of this range were not kept"):
        Deployment(tmp_path, content=False).write()
