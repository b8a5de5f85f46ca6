"""Abandonment over a ledger, by what its calls hold."""

from pathlib import Path

import pytest

from backtalk import clock
from backtalk.ledger.ledger import Ledger
from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.rows import Rows
from backtalk.model.facts import JournalEntry
from backtalk.review.ended_sessions import ended_sessions
from backtalk.testing.dialogue import Dialogue, Stage

WAIT_NS = 1_800 * clock.NS_PER_S
ALL = (0, 1 << 62)


@pytest.fixture
def reader(tmp_path: Path) -> LedgerReader:
    """Two prompts: people go on with the one and leave the other."""
    stage = Stage()
    for number in range(4):
        chat = Dialogue(stage, end_user=f"u{number}", instructions="Be kind." if number % 2 else "Be brief.")
        chat.says(f"How do tides work at place {number}?")
        if number % 2:
            chat.says("And on a lake?")
    stage.wait(20_000)
    Dialogue(stage, end_user="late", instructions="Be brief.").says("Is anybody here at this hour?")
    ledger = Ledger(tmp_path / "ledger", "journal-1", rows=Rows(b"secret"))
    ledger.commit([(10, JournalEntry(tuple(stage.facts)))])
    ledger.close()
    return LedgerReader(tmp_path / "ledger").pinned()


def test_versions_of_the_prompt_are_told_apart(reader: LedgerReader) -> None:
    """By the content of the instructions, whatever their name."""
    baseline, groups = ended_sessions(reader, "instructions", WAIT_NS, ALL)
    assert sorted((each.ended, each.share.cases, each.undecided) for each in groups) == [(2, 2, 1), (2, 4, 0)]
    assert (baseline.ended, baseline.share.cases) == (4, 6)
    assert all(len(each.group) > 16 for each in groups)


def test_a_column_groups_and_what_has_none_says_so(reader: LedgerReader) -> None:
    """Calls without a route are one group."""
    assert [each.group for each in ended_sessions(reader, "model", WAIT_NS, ALL)[1]] == ["a-model"]
    assert [each.group for each in ended_sessions(reader, "route", WAIT_NS, ALL)[1]] == ["(none)"]


def test_an_empty_range_has_no_share(reader: LedgerReader) -> None:
    """And says that nothing is known."""
    baseline, groups = ended_sessions(reader, "model", WAIT_NS, (0, 1))
    assert (baseline.share.cases, groups) == (0, [])
