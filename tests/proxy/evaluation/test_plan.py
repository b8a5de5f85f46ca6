"""Which plans are refused, and when two are the same."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from backtalk.errors import RequestError
from backtalk.evaluation.judging import BUILT_IN, JudgePrompt
from backtalk.evaluation.plan import Judge, Plan, checked, fingerprint

PLAN = Plan(Path("exam"), "small", "http://127.0.0.1:8080/v1", ("exact", "judge"), Judge("big", BUILT_IN))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"scorers": ("bleu",)}, "no scorer is called 'bleu'; there are: exact, includes"),
        ({"scorers": ()}, "name a scorer"),
        ({"scorers": ("exact",)}, "go together"),
        ({"judge": None}, "go together"),
        ({"base_url": "ftp://x"}, "must start with http"),
        ({"base_url": "https://ada:secret@x/v1"}, "without a user"),
        ({"base_url": "https://x/v1?key=secret"}, "without a user, a query"),
        ({"concurrency": 0}, "must be 1 or more"),
        ({"limit": 0}, "must be 1 or more"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(changes: dict[str, Any], why: str) -> None:
    """With what is allowed."""
    assert checked(PLAN) == PLAN
    with pytest.raises(RequestError, match=why):
        checked(msgspec.structs.replace(PLAN, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "other"},
        {"base_url": "http://elsewhere/v1"},
        {"params": {"temperature": 0}},
        {"schema": {"type": "object"}},
        {"judge": Judge("bigger", BUILT_IN)},
        {"judge": Judge("big", JudgePrompt("2", "Be strict."))},
        {"scorers": ("judge", "exact")},
    ],
)
def test_what_could_change_a_score_is_another_plan(changes: dict[str, Any]) -> None:
    """And how many cases, how fast and by which key is not."""
    assert fingerprint(msgspec.structs.replace(PLAN, **changes), "d1") != fingerprint(PLAN, "d1")
    quick = msgspec.structs.replace(PLAN, concurrency=1, limit=3, key_env="KEY", attempts=1)
    assert fingerprint(quick, "d1") == fingerprint(PLAN, "d1")
