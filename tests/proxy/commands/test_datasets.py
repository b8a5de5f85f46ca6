"""`backtalk dataset`: from a ledger to files, by the command."""

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backtalk.cli import main
from backtalk.model.facts import Fact
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


def test_weights_are_fitted_written_and_taken_by_a_recipe(tmp_path: Path) -> None:
    """The manifest names the file's hash and numbers; without verdicts there is a refusal."""
    facts: list[Fact] = []
    for number in range(260):
        call = stories.closed(call=stories.opened(asked=f"Why {number}?"), session_id=f"s{number}")
        good = number % 3 > 0
        facts.append(call)
        for kind, value, source in (("label", good, "reviewer"), ("rating", good or number % 2 > 0, "end_user")):
            about = {"target_trace_id": call.key.trace_id, "target_span_id": call.key.span_id}
            facts.append(stories.feedback(kind=kind, value_json=str(value).lower(), source=source, **about))
    write_facts(tmp_path / "data" / "ledger", *facts)
    file, recipe = tmp_path / "weights.toml", tmp_path / "mine.toml"
    fitted = run("weights", "--out", str(file), "--data-dir", str(tmp_path / "data"))
    assert (fitted.exit_code, "written:" in fitted.output) == (0, True), fitted.output
    recipe.write_text(f'builders = ["accepted_answers"]\n[quality]\nweights = "{file}"\n', encoding="utf-8")
    assert (
        run("build", str(recipe), "--out", str(tmp_path / "set"), "--data-dir", str(tmp_path / "data")).exit_code == 0
    )
    told = json.loads((tmp_path / "set" / "manifest.json").read_text())["recipe"]["weights"]
    assert told["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert told["values"]["rating.up"] != told["values"]["score"] == 2.0


def test_weights_that_foretell_no_better_are_not_written(data_dir: Path, tmp_path: Path) -> None:
    """Nor are those of too few verdicts: the priors stand."""
    found = run("weights", "--out", str(tmp_path / "w.toml"), "--data-dir", str(data_dir))
    assert (found.exit_code, "the priors stand" in found.output) == (2, True)
    assert not (tmp_path / "w.toml").exists()
