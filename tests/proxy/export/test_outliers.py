"""Calls slower than nearly all others of their model."""

from backtalk.export.outliers import LEAST_CALLS, MODELS, Outliers
from backtalk.model.chat import Request
from backtalk.model.facts import CallClosed
from backtalk.testing.facts import closed_call, opened_call


def _call(duration_ms: float, model: str = "m1", api: str = "chat") -> CallClosed:
    opened = opened_call(api=api, request=Request(model=model))
    return closed_call(opened=opened, duration_ns=int(duration_ms * 1_000_000))


def _seen(outliers: Outliers, count: int = 200, model: str = "m1") -> None:
    for number in range(count):
        outliers.look(_call(400 + number % 100, model))


def test_far_slower_call_is_an_outlier_and_a_usual_one_is_none() -> None:
    """Against its own model: what is slow for one is usual for another."""
    outliers = Outliers(0.01)
    _seen(outliers)
    assert outliers.look(_call(5_000))
    assert not outliers.look(_call(450))
    assert not outliers.look(_call(10))
    assert not outliers.look(_call(5_000, "another"))


def test_nothing_is_an_outlier_of_few() -> None:
    """One in a hundred cannot be told of fewer than a hundred."""
    outliers = Outliers(0.01)
    _seen(outliers, LEAST_CALLS - 1)
    assert not outliers.look(_call(60_000))


def test_about_the_share_is_found() -> None:
    """A tenth of durations that are spread evenly, less what falls into the bucket of the border."""
    outliers = Outliers(0.1)
    found = sum(outliers.look(_call(100 + number * 7919 % 1_000)) for number in range(1_000))
    assert 20 <= found <= 120


def test_what_is_slow_follows_the_times() -> None:
    """A model that became slow for good is not called slow for ever."""
    outliers = Outliers(0.01)
    _seen(outliers, 300)
    slow = [outliers.look(_call(5_000)) for _ in range(300)]
    assert slow[0]
    assert not slow[-1]


def test_models_are_bounded_and_a_share_of_nothing_finds_none() -> None:
    """A client that makes up names costs no memory."""
    outliers = Outliers(0.0)
    for number in range(2 * MODELS):
        outliers.look(_call(1, f"m{number}"))
    assert len(outliers) == MODELS
    _seen(outliers)
    assert not outliers.look(_call(60_000))
    assert not outliers.look(_call(60_000, api="files"))
