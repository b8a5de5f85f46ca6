"""Declared metrics: what fits together and what does not."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from backtalk.errors import SetupError
from backtalk.settings import load
from backtalk.settings.metrics import MetricSettings


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"value": "boolean", "level": "session"},
        {"range": (1, 5), "direction": "lower"},
        {"value": "category", "categories": ("wrong", "unsafe"), "direction": "none"},
    ],
)
def test_a_declaration_is_what_was_said(fields: dict[str, Any]) -> None:
    """What is not said has its default."""
    metric = MetricSettings(**fields)
    assert {name: getattr(metric, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"range": (5, 1)}, "a greater number"),
        ({"value": "boolean", "range": (0, 1)}, "whose value is a number"),
        ({"value": "category"}, "categories are listed"),
        ({"categories": ("a",)}, "categories are listed"),
        ({"value": "text"}, "'boolean', 'number' or 'category'"),
    ],
)
def test_what_does_not_fit_its_kind_is_refused(fields: dict[str, Any], words: str) -> None:
    """A range of truths or a category without categories would check nothing."""
    with pytest.raises(ValidationError, match=words):
        MetricSettings(**fields)


def test_metrics_are_tables_of_the_file_with_names_that_feedback_can_use(tmp_path: Path) -> None:
    """A name that no feedback could give is refused at the start."""
    file = tmp_path / "b.toml"
    file.write_text('[metrics.resolved]\nvalue = "boolean"\n', encoding="utf-8")
    assert load({}, file=file).metrics["resolved"].value == "boolean"
    file.write_text('[metrics."two words"]\n', encoding="utf-8")
    with pytest.raises(SetupError, match="two words"):
        load({}, file=file)
