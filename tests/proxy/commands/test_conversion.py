"""`backtalk conversion`: what it prints and what it refuses."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from backtalk.cli import main
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts

CALL = stories.closed()


def run(data_dir: Path, *words: str) -> Result:
    """The command's end."""
    return CliRunner().invoke(main, ["conversion", *words, "--data-dir", str(data_dir)], catch_exceptions=False)


def test_a_period_is_asked_for_by_its_days(tmp_path: Path) -> None:
    """As a table and as JSON, without a running Backtalk."""
    write_facts(tmp_path / "ledger", CALL, stories.feedback(target_trace_id=CALL.key.trace_id))
    days = ("--since", "2026-01-01", "--until", "2026-01-02")
    assert json.loads(run(tmp_path, *days, "--json").output)["total"]["count"] == 1
    printed = run(tmp_path, *days).output
    assert "0 of 1 signals and feedback became rows, 0.0% (0.0-79.3)" in printed
    assert "1 no_dataset" in printed


def test_what_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    """No ledger, and a period that ends before it begins."""
    assert "run `backtalk serve` first" in run(tmp_path).output
    write_facts(tmp_path / "ledger", CALL)
    assert run(tmp_path, "--since", "2026-01-02", "--until", "2026-01-01").exit_code == 2
