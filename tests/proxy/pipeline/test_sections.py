"""The tables of a pipeline's file."""

import pytest
from pydantic import ValidationError

from backtalk.pipeline.sections import Document, Evaluate, FromRecipe, Serve, Trigger, Validate

LEAST = {
    "recipe": "dpo",
    "evaluation": "exam",
    "context": "c",
    "train": {"trainer": "trl"},
    "evaluate": {"current": "small"},
}


def test_the_shortest_file_has_defaults_for_the_rest() -> None:
    """Four words and two tables."""
    found = Document.model_validate(LEAST)
    assert (found.train.trainer, found.evaluate.scorers, found.keep_runs) == ("trl", ("includes",), 5)
    assert found.trigger.min_new_facts == 200
    assert found.promote.parts == {"model_run": "run", "model": "model"}


def test_an_evaluation_is_a_name_or_a_recipe() -> None:
    """Which is built with each run."""
    built = Document.model_validate({**LEAST, "evaluation": {"recipe": "eval"}})
    assert built.evaluation == FromRecipe(recipe="eval", share=0.2)


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (Trigger, {"min_new_facts": 0}),
        (Trigger, {"min_new_facts": 10**30}),
        (Trigger, {"min_interval_s": float("inf")}),
        (Trigger, {"min_interval_s": float("nan")}),
        (Validate, {"max_share_of_user": 1.5}),
        (Serve, {"port": 0}),
        (Evaluate, {"current": "m", "scorers": ()}),
        (Evaluate, {"current": "m", "concurrency": 0}),
        (Evaluate, {"current": ""}),
    ],
)
def test_numbers_have_bounds(model: type, fields: dict[str, object]) -> None:
    """What lies beyond is refused."""
    with pytest.raises(ValidationError):
        model(**fields)
