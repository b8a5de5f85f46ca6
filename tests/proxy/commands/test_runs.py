"""`backtalk run` and `backtalk dataset diff`: from feedback to a model and back."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from backtalk.cli import main
from backtalk.testing import stories
from backtalk.testing.datasets import a_row, write_dataset
from backtalk.testing.ledgers import write_facts

CALL = stories.closed()
TRACE = CALL.key.trace_id
THUMB = stories.feedback(feedback_id="f1", target_trace_id=TRACE, rater="r-1", comment="no")


def run(data_dir: Path, *words: str) -> Result:
    """The command's end."""
    return CliRunner().invoke(main, [*words, "--data-dir", str(data_dir)], catch_exceptions=False)


def document(data_dir: Path, *words: str) -> Any:
    """What the command says with `--json`."""
    return json.loads(run(data_dir, *words, "--json").output)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A ledger and two datasets."""
    write_facts(tmp_path / "ledger", CALL, THUMB)
    for name, rows in (("before", [a_row("one")]), ("after", [a_row("two", CALL.key, feedback=["f1"])])):
        run(tmp_path, "dataset", "register", str(write_dataset(tmp_path / "out", name, rows)))
    return tmp_path


def test_a_run_is_registered_with_all_that_made_it_and_shown(data_dir: Path) -> None:
    """Configuration from a file and from the command, figures, and the model's hash."""
    (data_dir / "config.json").write_text('{"epochs": 3, "lr": 0.1}')
    (data_dir / "model.bin").write_bytes(b"weights")
    words = ("--dataset", "after", "--config-file", str(data_dir / "config.json"), "--set", "lr=0.2")
    more = ("--artefact", str(data_dir / "model.bin"), "--metric", "loss=0.5", "--trainer", "trl", "--by", "ada")
    assert "1 datasets, record 3" in run(data_dir, "run", "register", "tune", *words, *more).output
    shown = document(data_dir, "run", "show", "tune")
    assert (shown["config"], shown["metrics"]) == ({"epochs": 3, "lr": "0.2"}, {"loss": 0.5})
    assert (shown["purpose"], shown["datasets"][0]["name"], len(shown["artefact_sha256"])) == ("training", "after", 64)
    assert "metrics loss 0.5" in run(data_dir, "run", "show", "tune").output
    assert "tune" in run(data_dir, "run", "list").output


def test_a_row_leads_to_the_person_and_a_trace_to_the_model(data_dir: Path) -> None:
    """Both ways, as a tree and as JSON; a run stands for the dataset that it used."""
    run(data_dir, "run", "register", "tune", "--dataset", "after", "--artefact", "s3://models/1")
    tree = run(data_dir, "run", "why", "tune", "0").output
    for said in ("row 0 of after", TRACE, "user: Why is the sky blue?", "rating false (no) by r-1", "s3://models/1"):
        assert said in tree
    (call,) = document(data_dir, "run", "why", "after", "0")["calls"]
    assert call["feedback"][0]["rater"] == "r-1"
    assert "dataset after" in run(data_dir, "run", "reached", TRACE).output
    assert document(data_dir, "run", "reached", "f1")["runs"][0]["name"] == "tune"
    assert "in no dataset" in run(data_dir, "run", "reached", "0" * 32).output


def test_two_datasets_are_compared(data_dir: Path) -> None:
    """The facts that made the difference stand in the line."""
    assert "+ row 0: f1" in run(data_dir, "dataset", "diff", "before", "after").output
    assert document(data_dir, "dataset", "diff", "before", "after")["added"][0]["trace_ids"] == [TRACE]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("register", "tune", "--dataset", "after", "--metric", "loss"), "must be NAME=VALUE"),
        (("register", "tune", "--dataset", "after", "--metric", "loss=low"), "must be a number"),
        (("register", "tune"), "--dataset"),
        (("show", "nothing"), "no run is called"),
        (("why", "after", "7"), "rows are 0 to 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(data_dir: Path, words: tuple[str, ...], said: str) -> None:
    """The message says what is allowed."""
    found = run(data_dir, "run", *words)
    assert (found.exit_code, said in found.output) == (2, True)


def test_a_configuration_that_is_no_object_is_refused(data_dir: Path) -> None:
    """Neither a list nor half a file."""
    for content in ("[]", "{"):
        (data_dir / "config.json").write_text(content)
        words = ("--dataset", "after", "--config-file", str(data_dir / "config.json"))
        assert run(data_dir, "run", "register", "tune", *words).exit_code == 2


def test_a_run_of_several_datasets_stands_for_none(data_dir: Path) -> None:
    """Which one is meant has to be said."""
    run(data_dir, "run", "register", "both", "--dataset", "after", "--dataset", "before", "--evaluation")
    assert "several datasets" in run(data_dir, "run", "why", "both", "0").output
