"""`backtalk audit`: what it prints and what it refuses."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from backtalk.cli import main
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts


def run(*arguments: str) -> Result:
    """The command's end."""
    return CliRunner().invoke(main, ["audit", *arguments], catch_exceptions=False)


def test_a_period_is_asked_for_by_its_days(tmp_path: Path) -> None:
    """The first day is in it, the last is not."""
    write_facts(tmp_path / "ledger", stories.closed())
    at = ("--json", "--data-dir", str(tmp_path))
    found = run("--since", "2026-01-01", "--until", "2026-01-02", *at)
    assert json.loads(found.output)["total"]["calls"] == 1
    assert json.loads(run("--until", "2026-01-01", *at).output)["total"]["calls"] == 0


def test_the_table_is_printed_without_a_running_backtalk(tmp_path: Path) -> None:
    """The ledger is read itself."""
    write_facts(tmp_path / "ledger", stories.closed())
    found = run("--since", "2026-01-01", "--data-dir", str(tmp_path))
    assert found.exit_code == 0
    assert found.output.startswith("1 answers, 2026-01-01 00:00 to ")


def test_without_a_ledger_the_message_says_what_to_do(tmp_path: Path) -> None:
    """It is the installation's to mend."""
    found = run("--data-dir", str(tmp_path))
    assert found.exit_code == 2
    assert "run `backtalk serve` first" in found.output


def test_a_period_that_ends_before_it_begins_is_refused(tmp_path: Path) -> None:
    """As a wrong call of the command."""
    write_facts(tmp_path / "ledger", stories.closed())
    found = run("--since", "2026-01-02", "--until", "2026-01-01", "--data-dir", str(tmp_path))
    assert found.exit_code == 2
    assert "--since must be before --until" in found.output
