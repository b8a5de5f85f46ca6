"""Pairs out of several answers to one prompt: by a ranking, or by what is known of each."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from backtalk.plugin import Answer, Prompt, Reason, Sample, SampleKind, Unfit
from backtalk_samples.limits import blame, praise
from backtalk_samples.pairs import preference


class RankingPairs:
    """Winners over losers of a ranking: each answer over those of the next place."""

    name: ClassVar[str] = "ranking_pairs"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    sample_kind: ClassVar[SampleKind] = "preference"

    def build(self, prompt: Prompt) -> Sequence[Sample | Unfit]:
        """The pairs of each ranking whose answers have this prompt."""
        rankings = dict.fromkeys(
            one.id for answer in prompt.answers for one in answer.evidence if one.kind == "ranking"
        )
        return [made for name in rankings for made in _pairs(prompt, name)]


class Margin(BaseModel):
    """Settings of `BestWorstPairs`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_margin: float = Field(default=1.5, gt=0)
    """The least difference in log-odds."""


class BestWorstPairs:
    """The best over the worst answer to one prompt, where they differ by enough."""

    name: ClassVar[str] = "best_worst_pairs"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    sample_kind: ClassVar[SampleKind] = "preference"
    settings_model = Margin

    def __init__(self, margin: Margin) -> None:
        self._min_margin = margin.min_margin

    def build(self, prompt: Prompt) -> Sequence[Sample | Unfit]:
        """One pair, or none."""
        judged = [answer for answer in prompt.answers if answer.evidence]
        if len(judged) < 2:
            return []
        ordered = sorted(judged, key=lambda answer: (answer.log_odds, answer.opened_ns, answer.key, answer.choice or 0))
        worst, best = ordered[0], ordered[-1]
        reasons = (*praise(best.evidence, "best_answer"), *blame(worst.evidence, "worst_answer"))
        if best.log_odds - worst.log_odds < self._min_margin or not reasons:
            return []
        return [preference(prompt, (best, best.message), worst, reasons)]


def _pairs(prompt: Prompt, ranking: str) -> Iterator[Sample | Unfit]:
    places: dict[int, list[Answer]] = {}
    for answer in prompt.answers:
        for one in answer.evidence:
            if one.id == ranking and one.rank is not None:
                places.setdefault(one.rank, []).append(answer)
    if sum(map(len, places.values())) < 2:
        yield Unfit("feedback", ranking, "ranked_prompts_differ")
    elif len(places) < 2:
        yield Unfit("feedback", ranking, "ranked_as_equal")
    reason = Reason("feedback", ranking, "ranking", 1.0)
    for place, next_place in pairwise(sorted(places)):
        for better in places[place]:
            for worse in places[next_place]:
                yield preference(prompt, (better, better.message), worse, (reason,))
