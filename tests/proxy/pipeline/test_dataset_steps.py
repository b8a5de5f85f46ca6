"""The steps that make the data."""

from pathlib import Path
from typing import Any

import pytest

from backtalk.errors import RequestError, SetupError
from backtalk.lineage import keeping
from backtalk.model.meter import NoMeter
from backtalk.pipeline.dataset_steps import STEPS, recipe_of
from backtalk.pipeline.definition import Pipeline, parse_pipeline
from backtalk.pipeline.measuring import measure
from backtalk.pipeline.work import StopError, Work
from backtalk.testing.datasets import a_row, write_dataset
from backtalk.testing.ledgers import write_facts
from backtalk.testing.pipelines import a_pipeline, corrected_calls, pipeline_text, silent


def work(folder: Path, pipeline: Pipeline, outputs: Any = None) -> Work:
    """A run of a pipeline."""
    run = folder / "run"
    run.mkdir(exist_ok=True)
    return Work(folder, pipeline, run, "ada", {}, NoMeter(), measure, outputs or {}, silent)


def registered(folder: Path, name: str = "exam") -> str:
    """A registered evaluation that asks one thing."""
    manifest = write_dataset(folder / "sets", name, [a_row("What does the person of number 3 want to know?")])
    return str(keeping.register_dataset(folder, manifest, actor="ada").body.dataset_id)  # type: ignore[union-attr]


def test_a_named_evaluation_is_taken_as_it_is(tmp_path: Path) -> None:
    """With the record of the name that is to change."""
    name = registered(tmp_path)
    number = keeping.set_ref(tmp_path, "production", {"route": "gold"}, actor="ada", reason="first").number
    found = STEPS["evaluation"](work(tmp_path, a_pipeline()))
    assert (found["dataset_id"], found["rows"], found["base"]) == (name, 1, number)
    assert Path(found["path"]) == tmp_path / "sets" / "exam.jsonl"


def test_a_retired_evaluation_is_refused(tmp_path: Path) -> None:
    """And one that nobody registered."""
    with pytest.raises(RequestError, match="no dataset is called 'exam'"):
        STEPS["evaluation"](work(tmp_path, a_pipeline()))
    registered(tmp_path)
    keeping.retire_dataset(tmp_path, "exam", actor="ada", reason="old")
    with pytest.raises(RequestError, match="is retired"):
        STEPS["evaluation"](work(tmp_path, a_pipeline()))


def test_what_the_evaluation_asks_is_not_taught(tmp_path: Path) -> None:
    """By the texts of its rows; the recipe's text says against what."""
    write_facts(tmp_path / "ledger", *corrected_calls(12))
    name = registered(tmp_path)
    asked = "What does the person of number 3 want to know about number 23760, please?"
    write_dataset(tmp_path / "sets", "exam", [a_row(asked)])
    found = STEPS["evaluation"](work(tmp_path, a_pipeline()))
    made = STEPS["dataset"](work(tmp_path, a_pipeline(), {"evaluation": found}))
    assert made["rows"] == 11
    recipe = work(tmp_path, a_pipeline()).catalogue.dataset("support").built.recipe
    assert f"# A pipeline built this without what is asked in the dataset {name}" in recipe["text"]


def test_a_dataset_that_an_earlier_attempt_built_is_taken(tmp_path: Path) -> None:
    """It is whole, and is registered once."""
    write_facts(tmp_path / "ledger", *corrected_calls(12))
    registered(tmp_path)
    found = {"evaluation": STEPS["evaluation"](work(tmp_path, a_pipeline()))}
    first = STEPS["dataset"](work(tmp_path, a_pipeline(), found))
    assert STEPS["dataset"](work(tmp_path, a_pipeline(), found)) == first
    assert [path.name for path in (tmp_path / "run" / "datasets").iterdir()] == ["support"]
    assert len(work(tmp_path, a_pipeline()).catalogue.datasets) == 2


def test_a_dataset_that_is_not_valid_ends_the_run(tmp_path: Path) -> None:
    """With every check among what the step gives."""
    write_facts(tmp_path / "ledger", *corrected_calls(3))
    registered(tmp_path)
    outputs = {"evaluation": STEPS["evaluation"](work(tmp_path, a_pipeline()))}
    outputs["dataset"] = STEPS["dataset"](work(tmp_path, a_pipeline(), outputs))
    with pytest.raises(StopError, match=r"rows: 3 rows, 50 are wanted; .*1 rows to evaluate on") as stop:
        STEPS["validate"](work(tmp_path, a_pipeline(), outputs))
    assert len(stop.value.outputs["checks"]) > 5


def test_a_recipe_is_looked_for_beside_the_pipeline(tmp_path: Path) -> None:
    """Unless it is one that comes along; two that part the users are one too many."""
    (tmp_path / "mine.toml").write_text('builders = ["correction_pairs"]\n[select]\npart = [0.5, 1]\n')
    text = pipeline_text().replace('"exam"', '{ recipe = "eval" }').replace('recipe = "dpo"', 'recipe = "mine.toml"')
    pipeline = parse_pipeline("support", text, tmp_path)
    assert (recipe_of(pipeline, "mine.toml").name, recipe_of(pipeline, "sft").name) == ("mine", "sft")
    with pytest.raises(SetupError, match="selects a part of the users, and so does the pipeline"):
        STEPS["dataset"](work(tmp_path, pipeline, {"evaluation": {"path": ".", "dataset_id": "x"}}))
