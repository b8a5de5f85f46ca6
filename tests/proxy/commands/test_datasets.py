"""`backtalk dataset`: from a ledger to files, by the command."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backtalk.cli import main
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A ledger with one correction."""
    call = stories.closed()
    given = stories.feedback(kind="correction", value_json='"It scatters."', target_trace_id=call.key.trace_id)
    write_facts(tmp_path / "data" / "ledger", call, given)
    return tmp_path / "data"


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["dataset", *arguments])


def test_folder_is_built_and_verified(data_dir: Path, tmp_path: Path) -> None:
    """A changed file is found, with status 1."""
    built = run("build", "dpo", "--out", str(tmp_path / "set"), "--data-dir", str(data_dir))
    assert (built.exit_code, built.output.splitlines()[0][:34]) == (0, "1 preference row (correction 1) in")
    assert run("verify", str(tmp_path / "set")).exit_code == 0

    (tmp_path / "set" / "trl_preference" / "train.jsonl").write_text("{}")

    assert run("verify", str(tmp_path / "set")).exit_code == 1
    again = run("build", "dpo", "--out", str(tmp_path / "set"), "--data-dir", str(data_dir))
    assert (again.exit_code, "never changes" in again.output) == (2, True)


def test_one_file_is_built_with_its_manifest_beside(data_dir: Path, tmp_path: Path) -> None:
    """Over and over, as a cron job does."""
    for _ in range(2):
        assert run("build", "dpo", "--out", str(tmp_path / "x.jsonl"), "--data-dir", str(data_dir)).exit_code == 0
    assert len((tmp_path / "x.jsonl").read_text().splitlines()) == 1
    assert json.loads((tmp_path / "x.jsonl.manifest.json").read_text())["files"][0]["name"] == "x.jsonl"


def test_a_file_that_a_later_build_was_written_over_is_no_change(data_dir: Path, tmp_path: Path) -> None:
    """The later record took the path over; a change by hand is still found, with status 1."""
    out = ("--out", str(tmp_path / "x.jsonl"), "--data-dir", str(data_dir))
    verify = ["lineage", "verify", "--data-dir", str(data_dir)]
    assert run("build", "dpo", *out).exit_code == 0
    assert "It takes the place of record 1" in run("build", "sft", *out).output
    found = CliRunner().invoke(main, verify)
    assert (found.exit_code, "replaced by" in found.output, "CHANGED" in found.output) == (0, True, False)
    (tmp_path / "x.jsonl").write_text("{}")
    found = CliRunner().invoke(main, verify)
    assert (found.exit_code, "CHANGED" in found.output) == (1, True)


def test_unknown_recipe_is_a_wrong_call(tmp_path: Path) -> None:
    """Status 2 and the nearest name."""
    failed = run("build", "dop", "--out", str(tmp_path / "set"), "--data-dir", str(tmp_path))
    assert (failed.exit_code, "did you mean 'dpo'" in failed.output) == (2, True)


def test_recipes_are_listed_and_printed() -> None:
    """To begin one's own with."""
    assert "tool_use" in run("recipes").output
    assert run("recipes", "kto").output.startswith("description = ")
