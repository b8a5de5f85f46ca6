"""From a model's name to its route."""

import pytest

from backtalk.relay.routes import Routes, repeats_safely, upstream_model
from backtalk.settings.routes import RouteSettings, TargetSettings

ROUTES = Routes(
    {
        "claude-*": RouteSettings(targets=("a",)),
        "fast": RouteSettings(targets=("a",), models=("gpt-5", "claude-fast", "*-mini")),
        "rest": RouteSettings(targets=("a",), models=("c*", "a.b*")),
    }
)


@pytest.mark.parametrize(
    ("model", "route"),
    [
        ("claude-4", "claude-*"),
        ("claude-", "claude-*"),
        ("claude-fast", "fast"),
        ("gpt-5", "fast"),
        ("gpt-5-mini", "fast"),
        ("claude-mini", "claude-*"),
        ("cohere", "rest"),
        ("gpt-4", None),
        ("fast", None),
        ("a.bc", "rest"),
        ("axbc", None),
        ("claude", "rest"),
        ("my-claude-4", None),
        ("CLAUDE-4", None),
    ],
)
def test_an_exact_name_goes_before_patterns_and_patterns_by_their_order(model: str, route: str | None) -> None:
    """`*` stands for anything, nothing else is special, and case counts."""
    found = ROUTES.of(model)
    assert (found.name if found else None) == route


def test_models_that_are_named_in_full_are_known() -> None:
    """Patterns name no model."""
    assert set(ROUTES.models) == {"gpt-5", "claude-fast"}


@pytest.mark.parametrize(("named", "model"), [(None, "m"), ("x", "x"), ("anthropic/*", "anthropic/m"), ("*-*", "m-m")])
def test_a_target_may_have_its_own_name_for_a_model(named: str | None, model: str) -> None:
    """`*` stands for the name that was asked for."""
    assert upstream_model(TargetSettings(url="http://x", model=named), "m") == model


@pytest.mark.parametrize(
    ("path", "safe"),
    [
        ("/v1/chat/completions", True),
        ("/v1/embeddings/", True),
        ("/v1/audio/transcriptions", True),
        ("/v1/fine_tuning/jobs", False),
        ("/v1/videos", False),
        ("/v1/batches", False),
        ("/v1/whatever/comes", False),
    ],
)
def test_only_calls_that_leave_nothing_behind_are_repeated(path: str, safe: bool) -> None:
    """What generates an answer may be sent twice; a job must not be."""
    assert repeats_safely(path) == safe
