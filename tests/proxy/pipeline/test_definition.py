"""Pipelines as their owner writes them."""

import contextlib
import tomllib
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.errors import SetupError
from backtalk.pipeline.definition import MAX_FILE_BYTES, load_pipeline, parse_pipeline
from backtalk.pipeline.sections import FromRecipe
from backtalk.testing.pipelines import a_pipeline, pipeline_text

ROOT = Path(__file__).parents[3]
WORDS = st.text(st.characters(codec="utf-8"), max_size=20)
VALUES = st.recursive(
    st.none().map(lambda _: "") | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=10,
)


def test_a_file_is_read_with_its_name_its_text_and_its_place(tmp_path: Path) -> None:
    """A pipeline is called like its file."""
    (tmp_path / "support.toml").write_text(pipeline_text())
    found = load_pipeline(tmp_path / "support.toml")
    assert (found.name, found.folder, found.recipe, found.evaluation) == ("support", tmp_path, "dpo", "exam")
    assert found.text == pipeline_text()
    assert len(found.sha256) == 64


def test_the_examples_can_be_followed() -> None:
    """Each file in `deploy/pipelines`."""
    found = [load_pipeline(path) for path in (ROOT / "deploy" / "pipelines").glob("*.toml")]
    assert "support" in {one.name for one in found}


def test_an_evaluation_may_be_a_recipe() -> None:
    """In a table of its own."""
    text = pipeline_text().replace('evaluation = "exam"', 'evaluation = { recipe = "eval", share = 0.3 }')
    assert parse_pipeline("support", text, Path()).evaluation == FromRecipe(recipe="eval", share=0.3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("recipe = ", "this is not TOML"),
        ("a = " + "[" * 5_000 + "]" * 5_000, "this is not TOML"),
        (pipeline_text("recipes = 1"), "there is no 'recipes' (did you mean 'recipe'?)"),
        (
            pipeline_text(tables="[trigger]\nmin_facts = 1"),
            "there is no 'trigger.min_facts' (did you mean 'min_new_facts'?)",
        ),
        (pipeline_text(tables="[trigger.statistics]\nmetrics = 1"), "did you mean 'metric'?"),
        (pipeline_text(tables="[validate]\nrows = 1"), "there is no 'validate.rows' (did you mean 'min_rows'?)"),
        (pipeline_text(tables="[trigger.statistics]\nmetric = 'mood'"), "trigger.statistics.metric: Input should be"),
        (pipeline_text(tables="[trigger]\nmin_new_facts = 'many'"), "trigger.min_new_facts: "),
        (pipeline_text(tables="[trigger]\nmin_interval_s = nan"), "trigger.min_interval_s: "),
        (pipeline_text(tables="[trigger]\nmin_interval_s = 9\nmax_interval_s = 3"), "must not be below"),
        (pipeline_text(tables="[serve]\nport = 9000"), "name a command, or no port"),
        (pipeline_text(tables="[promote]\nsecret_env = 'X'"), "and there is none"),
        (pipeline_text(tables="[promote]\nwebhook = 'file:///etc/passwd'"), "promote.webhook must start with http"),
        (pipeline_text(tables="[promote.parts]\nroute = 'mood'"), "promote.parts.route: Input should be"),
        (pipeline_text(evaluate="base_url = 'http://a@b/'"), "evaluate.base_url must be like"),
        (pipeline_text(trainer="trll"), "there is no trainer 'trll' (did you mean 'trl'?)"),
        (pipeline_text().replace('"exam"', "{ recipe = 'eval', share = 1.0 }"), "evaluation.share: "),
        ("", "recipe: Field required"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_what_is_allowed(text: str, said: str) -> None:
    """One sentence, with the pipeline's name, and no value of it."""
    with pytest.raises(SetupError) as refusal:
        parse_pipeline("support", text, Path())
    assert refusal.value.message.startswith("pipeline support: ")
    assert said in refusal.value.message


@pytest.mark.parametrize("name", ["", "Support", "a b", "../a", "a/b", ".a", "a" * 65, "1a", "a\n"])
def test_a_name_is_a_name(name: str) -> None:
    """It becomes a folder and stands in a URL."""
    with pytest.raises(SetupError, match="called like its file"):
        a_pipeline(name=name)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """One that is not there, one that is no text, one that is too large."""
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "large.toml").write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    for name in ("none", "binary", "large"):
        with pytest.raises(SetupError, match=rf"{name}\.toml"):
            load_pipeline(tmp_path / f"{name}.toml")


@given(st.text(max_size=200))
def test_any_text_is_a_pipeline_or_refused(text: str) -> None:
    """Never anything else."""
    with contextlib.suppress(SetupError):
        parse_pipeline("support", text, Path())


@given(
    st.sampled_from(["trigger", "validate", "train", "serve", "evaluate", "promote", "evaluation", "x"]), WORDS, VALUES
)
def test_any_value_in_any_table_is_taken_or_refused(table: str, name: str, value: object) -> None:
    """What TOML can say is the worst that can come."""
    text = pipeline_text(tables=f"[{table}]\n{_toml(name)} = {_toml(value)}")
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        text = pipeline_text(f"{_toml(name)} = {_toml(value)}")
    with contextlib.suppress(SetupError):
        parse_pipeline("support", text, Path())


def _toml(value: object) -> str:
    """A value as TOML writes it; texts with every character by its number, as JSON and TOML both read them."""
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return "{" + ", ".join(f"{_toml(key)} = {_toml(one)}" for key, one in pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, cast("list[object]", value))) + "]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(char):08x}" for char in value) + '"'
    return str(value).lower() if isinstance(value, bool) else str(value)
