"""Compares two evaluations case by case: does the candidate do better than what is in use?

In: the scores of both. Out: for each scorer the paired difference with its interval, and what it was computed from. The
one rule: only cases that both answered and that one scorer scored both times count, and verdicts of different judges
are never compared.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from backtalk.errors import RequestError
from backtalk.evaluation.scores import CaseScores, Scores
from backtalk.evaluation.statistics import difference, sign_test

JUDGE: Final = "judge"
"""The scorer that a model stands behind."""


class ScorerComparison(msgspec.Struct, frozen=True):
    """One scorer: candidate minus current on the same cases."""

    n: int
    """Cases that both were scored on."""
    groups: int
    current: float | None
    candidate: float | None
    difference: float | None
    interval: tuple[float, float]
    """95%, by groups of cases."""
    wins: int
    losses: int
    ties: int
    p_value: float
    """Exact sign test over groups; McNemar's for scores of 0 and 1 without groups."""

    @property
    def verdict(self) -> str:
        """`better` or `worse` where the interval leaves out 0, else `undecided`."""
        low, high = self.interval
        return "better" if low > 0 else "worse" if high < 0 else "undecided"


class Comparison(msgspec.Struct, frozen=True):
    """Two evaluations side by side."""

    current_model: str
    candidate_model: str
    dataset_ids: tuple[str, str]
    scorers: Mapping[str, ScorerComparison]
    shared: int
    """Cases of both."""
    left_out: Mapping[str, int]
    """Cases that could not be compared: `only_current`, `only_candidate`, `current_error`, `candidate_error`."""


def compare(current: Scores, candidate: Scores) -> Comparison:
    """Compare on the shared cases; raises `RequestError` where there is nothing that both were scored by."""
    names = [name for name in current.scorers if name in candidate.scorers]
    if not names:
        message = f"no scorer is in both: {', '.join(current.scorers)} and {', '.join(candidate.scorers)}"
        raise RequestError(message, code="not_comparable")
    if JUDGE in names and current.judge != candidate.judge:
        message = "the judges differ in model or prompt; evaluate one of them anew with the other's judge"
        raise RequestError(message, code="not_comparable")
    ours = {case.sha256: case for case in current.cases}
    theirs = {case.sha256: case for case in candidate.cases}
    pairs = [(case, theirs[name]) for name, case in ours.items() if name in theirs]
    return Comparison(
        current_model=current.model,
        candidate_model=candidate.model,
        dataset_ids=(current.dataset_id, candidate.dataset_id),
        scorers={name: _compared(name, pairs) for name in names},
        shared=len(pairs),
        left_out={
            "only_current": len(ours.keys() - theirs.keys()),
            "only_candidate": len(theirs.keys() - ours.keys()),
            "current_error": sum(one.error is not None for one, _ in pairs),
            "candidate_error": sum(other.error is not None for _, other in pairs),
        },
    )


def _compared(name: str, pairs: Sequence[tuple[CaseScores, CaseScores]]) -> ScorerComparison:
    scored = [
        (before, after, one.group)
        for one, other in pairs
        if (before := one.score(name)) is not None and (after := other.score(name)) is not None
    ]
    differences = [after - before for before, after, _ in scored]
    groups = [group for _, _, group in scored]
    found = difference(differences, groups)
    return ScorerComparison(
        n=found.n,
        groups=found.groups,
        current=_mean([before for before, _, _ in scored]),
        candidate=_mean([after for _, after, _ in scored]),
        difference=None if found.value is None else round(found.value, 6),
        interval=(round(found.low, 6), round(found.high, 6)),
        wins=sum(one > 0 for one in differences),
        losses=sum(one < 0 for one in differences),
        ties=sum(one == 0 for one in differences),
        p_value=round(sign_test(differences, groups), 6),
    )


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 6) if values else None
