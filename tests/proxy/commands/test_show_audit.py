"""How an audit looks on a terminal."""

import io
from pathlib import Path
from typing import Any

from rich.console import Console

from backtalk.commands import show_audit
from backtalk.model.facts import Fact
from backtalk.quality.audit import audit
from backtalk.quality.coverage_queries import Period
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts

DAY_NS = 86_400 * 10**9


def shown(root: Path, *facts: Fact, width: int = 100) -> str:
    """What is printed of a ledger with these facts."""
    write_facts(root, *facts)
    period = Period(stories.NOON_NS - DAY_NS, stories.NOON_NS + DAY_NS)
    document: dict[str, Any] = audit(root, period, stories.NOON_NS + DAY_NS)
    out = io.StringIO()
    show_audit.audit(document, Console(file=out, width=width))
    return out.getvalue()


def test_shares_stand_with_their_intervals(tmp_path: Path) -> None:
    """One of four answers was rated."""
    calls = [stories.closed() for _ in range(4)]
    said = shown(tmp_path, *calls, stories.feedback(target_trace_id=calls[0].key.trace_id))
    assert "4 answers, 2025-12-31 12:00 to 2026-01-02 12:00 UTC" in said
    assert "25.0%" in said
    assert "4.6-69.9" in said
    assert "small /v1/chat/completions" in " ".join(said.split())


def test_nothing_is_said_plainly(tmp_path: Path) -> None:
    """A new user reads what to do, not a table of zeros."""
    said = shown(tmp_path)
    assert "No answers in this period" in said
    assert "%" not in said


def test_a_narrow_terminal_cuts_no_figure(tmp_path: Path) -> None:
    """Names fold; shares and counts stay whole."""
    calls = [stories.closed() for _ in range(4)]
    said = shown(tmp_path, *calls, stories.feedback(target_trace_id=calls[0].key.trace_id), width=80)
    assert "25.0%" in said
    assert "30.1-95.4" in said


def test_what_strangers_wrote_obeys_no_terminal(tmp_path: Path) -> None:
    """A model's name is chosen by clients: no escape sequence and no markup of it is obeyed."""
    hostile = stories.opened(path="/v1/\x1b[31m[red]")
    said = shown(tmp_path, stories.closed(call=hostile))
    assert "\x1b" not in said
    assert "[red]" in said
