"""`backtalk lineage`, and what `backtalk dataset` tells of what was built."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from backtalk.cli import main
from backtalk.lineage.log import LineageLog
from backtalk.testing import stories
from backtalk.testing.datasets import a_row, write_dataset
from backtalk.testing.ledgers import write_facts


def run(data_dir: Path, *words: str) -> Result:
    """The command's end."""
    return CliRunner().invoke(main, [*words, "--data-dir", str(data_dir)], catch_exceptions=False)


def test_a_build_is_registered_listed_and_shown(tmp_path: Path) -> None:
    """From the ledger to the record, without a running Backtalk."""
    call = stories.closed()
    target = {"target_trace_id": call.key.trace_id, "target_span_id": call.key.span_id}
    write_facts(tmp_path / "ledger", call, stories.feedback(kind="correction", value_json='"It scatters."', **target))
    built = run(tmp_path, "dataset", "build", "dpo", "--out", str(tmp_path / "pairs.jsonl"))
    assert "Registered as record 1" in built.output
    (listed,) = json.loads(run(tmp_path, "dataset", "list", "--json").output)
    assert (listed["name"], listed["rows"], listed["retired"]) == ("pairs", 1, None)
    shown = run(tmp_path, "dataset", "show", "pairs").output
    assert listed["files"][0]["sha256"] in shown
    assert "tables calls 1, " in shown


def test_a_dataset_from_elsewhere_is_registered_and_retired(tmp_path: Path) -> None:
    """Retired ones are listed with `--all` only."""
    manifest = write_dataset(tmp_path / "out", "pairs", [a_row("one")], left_out=[{"signal_id": "s", "reason": "odd"}])
    assert ": 1 rows, record 1" in run(tmp_path, "dataset", "register", str(manifest), "--name", "mine").output
    assert "left out: 1 odd" in run(tmp_path, "dataset", "show", "mine").output
    assert run(tmp_path, "dataset", "retire", "mine", "--reason", "old", "--by", "ada").output == "retired, record 2\n"
    assert "mine" not in run(tmp_path, "dataset", "list").output
    assert "mine" in run(tmp_path, "dataset", "list", "--all").output
    assert "ada" in run(tmp_path, "lineage", "log").output


def test_a_check_says_what_was_changed_and_fails(tmp_path: Path) -> None:
    """Status 0 and the head where nothing was, 1 where something was."""
    run(tmp_path, "dataset", "register", str(write_dataset(tmp_path / "out", "pairs", [a_row("one")])))
    whole = run(tmp_path, "lineage", "verify")
    head = LineageLog(tmp_path).records()[-1].hash
    assert (whole.exit_code, f"1 records and 2 files checked; head {head}" in whole.output) == (0, True)
    assert run(tmp_path, "lineage", "verify", "--head", head).exit_code == 0
    (tmp_path / "out" / "pairs.jsonl").write_text("other\n")
    changed = run(tmp_path, "lineage", "verify", "--json")
    assert changed.exit_code == 1
    assert "was changed" in json.loads(changed.output)["findings"][0]


def test_what_is_unknown_is_refused_with_what_there_is(tmp_path: Path) -> None:
    """As a wrong call of the command."""
    found = run(tmp_path, "dataset", "show", "nothing")
    assert (found.exit_code, "there are: none yet" in found.output) == (2, True)
    assert "No dataset is registered" in run(tmp_path, "dataset", "list").output
    assert "Nothing was built" in run(tmp_path, "lineage", "log").output
