"""`backtalk pipeline`, from a check to a promotion."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from backtalk.cli import main
from backtalk.lineage import keeping
from backtalk.lineage.records import ProposalMade, RunRegistered
from backtalk.pipeline import state_log
from backtalk.pipeline.events import Ended, StepFinished
from backtalk.pipeline.folders import home
from backtalk.testing.datasets import a_row, write_dataset
from backtalk.testing.ledgers import write_facts
from backtalk.testing.pipelines import SHELL, began, corrected_calls, pipeline_text

RUN_ID = "20260101t120000000z-abcdef"


def call(data_dir: Path, *words: str) -> Result:
    """The command's end."""
    return CliRunner().invoke(main, ["pipeline", *words, "--data-dir", str(data_dir)], catch_exceptions=False)


@pytest.fixture
def file(tmp_path: Path, trainers: Path) -> Path:
    """A pipeline that wants four facts, and a ledger with four."""
    write_facts(tmp_path / "data" / "ledger", *corrected_calls(4))
    assert trainers.is_dir()
    path = tmp_path / "support.toml"
    path.write_text(pipeline_text(tables=f"{SHELL}[trigger]\nmin_new_facts = 4", trainer="shell"))
    return path


@pytest.fixture
def proposed(tmp_path: Path) -> Path:
    """A data directory with a run that proposed something."""
    keeping.register_dataset(tmp_path, write_dataset(tmp_path / "out", "pairs", [a_row("x")]), actor="ada")
    body = keeping.register_run(tmp_path, name="tune", purpose="training", datasets=["pairs"], actor="ada").body
    assert isinstance(body, RunRegistered)
    run = body.run_id
    keeping.propose(tmp_path, ProposalMade("p-1234", "production", {"model_run": run}, run, run, run, {}), actor="ada")
    folder = home(tmp_path, "support").runs / RUN_ID
    checks = [{"name": "rows", "holds": True, "sentence": "9 rows, 5 are wanted"}]
    state_log.append(folder, began(RUN_ID))
    state_log.append(folder, StepFinished(2, "validate", {"checks": checks}))
    state_log.append(folder, StepFinished(2, "propose", {"proposal": "p-1234"}))
    state_log.append(folder, Ended(3, "proposed", "exact gain +0.2"))
    return tmp_path


def test_a_check_says_every_gate_and_whether_it_would_fire(file: Path, tmp_path: Path) -> None:
    """By its status too; it begins nothing."""
    done = call(tmp_path / "data", "check", str(file))
    assert done.exit_code == 0
    assert "open    facts: 4 signals and feedback ever, 4 are wanted" in done.output
    file.write_text(file.read_text().replace("= 4", "= 5"))
    done = call(tmp_path / "data", "check", str(file), "--json")
    assert (done.exit_code, json.loads(done.output)["fires"]) == (1, False)
    assert not (tmp_path / "data" / "pipelines").exists()


def test_a_run_that_does_not_begin_says_why(file: Path, tmp_path: Path) -> None:
    """It is no failure."""
    file.write_text(file.read_text().replace("= 4", "= 5"))
    done = call(tmp_path / "data", "run", str(file))
    assert done.exit_code == 0
    assert "closed  facts: 4 signals" in done.output


def test_a_run_that_fails_has_a_status(file: Path, tmp_path: Path) -> None:
    """And a sentence; what it did is on record and can be given up."""
    done = call(tmp_path / "data", "run", str(file))
    assert done.exit_code == 2
    assert "no dataset is called 'exam'" in done.output
    assert "failed" in call(tmp_path / "data", "list").output
    assert "is abandoned" in call(tmp_path / "data", "abandon", "support").output


def test_runs_are_listed_and_shown(proposed: Path) -> None:
    """With each step, its checks, and what became of the proposal."""
    listed: list[dict[str, Any]] = json.loads(call(proposed, "list", "--json").output)
    assert [(one["run_id"], one["state"]) for one in listed] == [(RUN_ID, "proposed")]
    shown = call(proposed, "show", "support").output
    step = 'propose             {"proposal": "p-1234"}'
    for said in (RUN_ID, "exact gain +0.2", "ok   rows: 9 rows, 5 are wanted", step):
        assert said in shown
    assert json.loads(call(proposed, "show", RUN_ID, "--json").output)["proposal"]["state"] == "open"


def test_a_promotion_and_a_rollback(proposed: Path) -> None:
    """The name means what was proposed, and then what it meant before."""
    CliRunner().invoke(main, ["ref", "set", "other", "route=x", "--reason", "y", "--data-dir", str(proposed)])
    done = call(proposed, "promote", "support", "--reason", "better", "--by", "bob")
    assert "production means model_run=" in done.output
    assert "promoted" in call(proposed, "list").output
    assert call(proposed, "promote", "support", "--reason", "again").exit_code == 2


def test_a_rejection(proposed: Path) -> None:
    """It is a record too."""
    assert "rejected, record 4" in call(proposed, "reject", "support", "--reason", "too dear").output
    assert "rejected" in call(proposed, "show", "support").output


def test_nothing_ran_yet(tmp_path: Path) -> None:
    """And the command that does it is named."""
    assert "`backtalk pipeline run` begins one" in call(tmp_path, "list").output
