"""Recipes: what can be followed, and what is said of one that cannot."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from backtalk.datasets.recipe import built_in, instant_ns, load_recipe, parse_recipe
from backtalk.errors import SetupError

GOOD = 'builders = ["correction_pairs"]\nformats = ["trl_preference"]\n'
EXAMPLES = Path(__file__).parents[3] / "deploy" / "recipes"


def test_every_recipe_that_comes_along_can_be_followed() -> None:
    """Each has builders of one kind, and formats that hold it."""
    assert built_in() == ["dpo", "eval", "grpo", "kto", "reward", "sft", "tool_use"]
    for name in built_in():
        assert load_recipe(name).description


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_example_can_be_followed(path: Path) -> None:
    """What an operator copies works."""
    assert load_recipe(str(path)).formats


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("builders = [", "this is not TOML"),
        ('builders = ["correction_pair"]', "did you mean 'correction_pairs'?"),
        ('builders = ["correction_pairs"]\nformats = ["trl_prefrence"]', "did you mean 'trl_preference'?"),
        ('builders = ["correction_pairs"]\nformats = ["trl_sft"]', "holds no preference rows; those that do are"),
        ('builders = ["correction_pairs", "tool_calls"]', "rows of several kinds"),
        (GOOD + "[select]\nmodel = ['x']", "did you mean 'models'?); allowed are since"),
        (GOOD + "[gate]", "did you mean 'gates'?"),
        (GOOD + "[gates]\nnear_duplicates = 2", "gates.near_duplicates: Input should be less than or equal to 1"),
        (GOOD + "[split.shares]\ntrain = 0.5", "must add up to 1, not 0.5"),
        (GOOD + '[split.shares]\n"../x" = 1.0', "split.shares"),
        (GOOD + "[builder.edit_pairs]\nmin_probability = 2", "is not among builders"),
        ('builders = ["edit_pairs"]\n[builder.edit_pairs]\nmin_probability = 2', "[plugin.edit_pairs] min_probability"),
        (GOOD + '[gates]\nredactors = ["pi"]', "did you mean 'pii'?"),
        ("", "builders: Field required"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_allowed(text: str, said: str) -> None:
    """Before anything is read."""
    with pytest.raises(SetupError) as caught:
        parse_recipe("mine", text)
    assert said in caught.value.message
    assert caught.value.message.startswith(("recipe mine: ", "[plugin."))


def test_unknown_name_tells_those_that_there_are() -> None:
    """And the nearest one."""
    with pytest.raises(SetupError, match=r"'dop' \(did you mean 'dpo'\?\).*dpo, eval, grpo"):
        load_recipe("dop")


def test_instants_without_an_offset_are_utc() -> None:
    """TOML's local times have no zone, and machines have several."""
    assert instant_ns(datetime(2026, 1, 1), 0) == instant_ns(datetime(2026, 1, 1, tzinfo=UTC), 0)  # noqa: DTZ001 -- the case
    assert instant_ns(None, 7) == 7
