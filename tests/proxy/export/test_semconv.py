"""Which generation of GenAI names is spoken, and that the tables they are held against are the published ones."""

import importlib

import pytest

from backtalk.export.semconv import OPT_IN_VARIABLE, generation_of
from backtalk.testing.conventions import ADDED_LATER, ATTRIBUTES, METRICS

_PACKAGE = "opentelemetry.semconv._incubating"
_MODULES = ("error", "gen_ai", "http", "openai", "server", "session", "url", "user", "user_agent")


@pytest.mark.parametrize(
    ("setting", "variable", "expected"),
    [
        ("auto", "", "v1.41"),
        ("auto", "http", "v1.41"),
        ("auto", "gen_ai_latest_experimental", "latest"),
        ("auto", "http/dup, gen_ai_latest_experimental", "latest"),
        ("v1.41", "gen_ai_latest_experimental", "v1.41"),
        ("latest", "", "latest"),
    ],
)
def test_variable_is_asked_where_the_setting_leaves_it_open(setting: str, variable: str, expected: str) -> None:
    """The word stands among others, with or without spaces; a setting that says one holds."""
    assert generation_of(setting, {OPT_IN_VARIABLE: variable}) == expected  # type: ignore[arg-type]  # a parameter


def test_names_of_the_older_generation_are_those_of_the_published_package() -> None:
    """Every name of the table is a constant of opentelemetry-semantic-conventions, which keeps moved names."""
    modules = (importlib.import_module(f"{_PACKAGE}.attributes.{name}_attributes") for name in _MODULES)
    stable = importlib.import_module("opentelemetry.semconv.attributes.error_attributes")
    published = {value for module in (*modules, stable) for value in vars(module).values() if isinstance(value, str)}
    assert set(ATTRIBUTES["v1.41"]) - published == set(ADDED_LATER)


def test_metrics_of_the_older_generation_are_those_of_the_published_package() -> None:
    """Names alike."""
    module = importlib.import_module(f"{_PACKAGE}.metrics.gen_ai_metrics")
    published = {value for value in vars(module).values() if isinstance(value, str)}
    assert set(METRICS["v1.41"]) - published == set()
