"""Answers of which it is known whether they were good: what people who looked closely said, and what turned out.

In: answers with their evidence. Out: cases for a fit. Pure. The one rule: what says how an answer was is no evidence
about it at the same time, and a model's opinion is neither.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from backtalk.datasets.fitting import Case
from backtalk.model.ids import CallKey
from backtalk.plugin import Answer, Evidence, Prompt

_VERDICTS: Final = frozenset(("label", "outcome"))
_REVIEWER: Final = "reviewer"
_MODEL: Final = "model_judge"


def cases_of(prompts: Iterable[Prompt], sessions: Mapping[CallKey, str]) -> Iterable[Case]:
    """The cases among the answers of some prompts; what speaks of both ways alike is none."""
    for prompt in prompts:
        for answer in prompt.answers:
            verdict = sum(one.log_odds for one in answer.evidence if is_gold(one))
            if verdict:
                yield Case(sessions[answer.key], verdict > 0, _amounts(answer))


def is_gold(one: Evidence) -> bool:
    """Whether a fact says how an answer really was: a label, an outcome, or what a reviewer said."""
    return one.source != _MODEL and not one.of_session and (one.kind in _VERDICTS or one.source == _REVIEWER)


def _amounts(answer: Answer) -> dict[str, float]:
    found: dict[str, float] = {}
    for one in answer.evidence:
        if not is_gold(one) and one.measure:
            found[one.measure] = found.get(one.measure, 0.0) + one.amount
    return found
