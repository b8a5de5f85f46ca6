"""`backtalk ref`: set, listed, rolled back by one command."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backtalk.cli import main
from backtalk.lineage import keeping
from backtalk.lineage.catalogue import Catalogue
from backtalk.lineage.log import LineageLog
from backtalk.testing.datasets import a_row, write_dataset

CONTEXT = "production evaluation context"


def run(data_dir: Path, *words: str) -> Result:
    """The command's end."""
    return CliRunner().invoke(main, [*words, "--data-dir", str(data_dir)], catch_exceptions=False)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A name that was set twice."""
    for number, name in enumerate(("first", "second")):
        run(tmp_path, "dataset", "register", str(write_dataset(tmp_path / "out", name, [a_row(name)])))
        parts = (f"eval_dataset={name}", f"judge_prompt=strict-{number}", "weights=3", "route=gold")
        run(tmp_path, "ref", "set", CONTEXT, *parts, "--reason", f"number {number}", "--by", "ada")
    return tmp_path


def test_a_whole_context_goes_back_by_one_command(data_dir: Path) -> None:
    """All parts at once; who, why, from and to stand in the history."""
    told = run(data_dir, "ref", "rollback", CONTEXT, "--reason", "the judge is too strict", "--by", "bob").output
    assert "judge_prompt=strict-0" in told
    assert "as in record 2: record 5, before that record 4" in told
    found = json.loads(run(data_dir, "ref", "history", CONTEXT, "--json").output)
    assert [(one["actor"], one["replaced"], one["rolled_back_to"]) for one in found] == [
        ("bob", 4, 2),
        ("ada", 2, None),
        ("ada", None, None),
    ]
    assert found[0]["target"] == found[2]["target"]
    assert run(data_dir, "lineage", "verify").exit_code == 0


def test_names_are_listed_with_what_they_mean(data_dir: Path) -> None:
    """The latest meaning of each."""
    listed = run(data_dir, "ref", "list").output
    assert (CONTEXT in listed, "strict-1" in listed, "strict-0" in listed) == (True, True, False)
    assert "number 0" in run(data_dir, "ref", "history", CONTEXT).output


def test_a_name_says_that_what_it_means_was_erased(data_dir: Path) -> None:
    """It goes on meaning that; what replaced it is said, and the name is not moved."""
    known = Catalogue(LineageLog(data_dir).records())
    old, new = known.dataset("second").built, known.dataset("first").built
    assert json.loads(run(data_dir, "ref", "show", CONTEXT, "--json").output)[0]["erased"] == {}
    keeping.mark_erased(data_dir, old.dataset_id, erasure_id="0123456789abcdef", replaced_by=new, actor="erasure")
    (found,) = json.loads(run(data_dir, "ref", "show", CONTEXT, "--json").output)
    after = {"erased_by": "0123456789abcdef", "replaced_by": new.dataset_id}
    assert (found["target"]["eval_dataset"], found["erased"]) == (old.dataset_id, {old.dataset_id: after})
    for words in (("show", CONTEXT), ("list",), ("history", CONTEXT)):
        assert f"{old.dataset_id} was erased, replaced by {new.dataset_id}" in run(data_dir, "ref", *words).output
    assert "retired: erased" in run(data_dir, "dataset", "show", "second").output


def test_what_cannot_be_meant_is_refused(data_dir: Path) -> None:
    """A dataset that nobody registered, a record that is none of the name's, a reason that is missing."""
    for words in (
        ("set", CONTEXT, "dataset=third", "--reason", "x"),
        ("rollback", CONTEXT, "--to", "99", "--reason", "x"),
        ("rollback", CONTEXT),
        ("history", "staging"),
    ):
        assert run(data_dir, "ref", *words).exit_code == 2
