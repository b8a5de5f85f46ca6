"""How an import looks on a terminal."""

from collections import Counter
from pathlib import Path

from backtalk.commands.show_import import joins, shown_progress, summary
from backtalk.feedback_import.joining import Joins
from backtalk.feedback_import.reading import Row
from backtalk.feedback_import.run import Tally


def test_the_summary_counts_and_names_lines() -> None:
    """And nothing that stood in the file is obeyed by a terminal."""
    tally = Tally(rows=3, before=2, silent=1, taken=1, duplicates=1)
    tally.refuse(7, "value \x1b[31m is wrong")
    said = summary(tally, Path("refused.jsonl"), dry_run=False)
    assert said.splitlines() == [
        "3 rows (2 rows were done before): 1 feedback taken, 1 of them known already; 1 rows say nothing",
        "1 refused, written to refused.jsonl:",
        "  1 x value \ufffd[31m is wrong (line 7)",
    ]


def test_a_line_is_named_once_for_each_reason() -> None:
    """A row with several outcomes is refused with each; dots stand only where there are more lines."""
    tally = Tally()
    for line in (4, 4, 6):
        tally.refuse(line, "twice")
    for line in range(1, 5):
        tally.refuse(line, "often")
    said = summary(tally, Path("refused.jsonl"), dry_run=False)
    assert "  4 x often (lines 1, 2, 3, ...)" in said
    assert "  3 x twice (lines 4, 6)" in said


def test_what_has_not_joined_is_said_with_its_file() -> None:
    """And what the ledger does not have yet."""
    found = Joins(Counter({"joined": 5, "pending": 2}), Counter(), {})
    assert joins(found, 8, Path("u.jsonl")).splitlines() == [
        "5 joined, 2 pending, 0 ambiguous, 0 rejected; 1 are not in the ledger yet",
        "lines that have not joined are in u.jsonl",
    ]
    found = Joins(Counter({"joined": 8}), Counter(), {})
    assert joins(found, 8, Path("u.jsonl")) == "8 joined, 0 pending, 0 ambiguous, 0 rejected"


def test_what_was_rejected_is_said_with_its_reasons() -> None:
    """The most frequent first, and nothing that a terminal would obey."""
    reasons = Counter({"tool_not_offered": 1, "foreign_tenant": 2})
    sentences = {"tool_not_offered": "no tool \x1b[31m", "foreign_tenant": "another credential"}
    assert joins(Joins(Counter({"rejected": 3}), reasons, sentences), 3, Path("u.jsonl")).splitlines() == [
        "0 joined, 0 pending, 0 ambiguous, 3 rejected",
        "  2 x foreign_tenant: another credential",
        "  1 x tool_not_offered: no tool \ufffd[31m",
        "lines that have not joined are in u.jsonl",
    ]


def test_without_a_terminal_no_bar_is_drawn(tmp_path: Path) -> None:
    """A log file gets the summary alone."""
    file = tmp_path / "f"
    file.write_bytes(b"x")
    with shown_progress(file) as step:
        step(Row(1, {}, 1), Tally(rows=100))
