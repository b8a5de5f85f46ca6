"""When an answer is taken for good or bad, and what its evidence weighs in a sample."""

import math
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from backtalk.plugin import Answer, Evidence, Reason, Replacement


class Limits(BaseModel):
    """Settings of the builders that judge by quality."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accept: float = Field(default=0.75, ge=0.5, le=1)
    """An answer of at least this quality is good."""
    reject: float = Field(default=0.3, ge=0, le=0.5)
    """An answer of at most this quality is bad."""
    min_probability: float = Field(default=0.5, ge=0, le=1)
    """An edit or a regeneration that is less likely is no evidence."""

    def accepts(self, answer: Answer) -> bool:
        """Whether the answer is good, and nobody put another in its place."""
        return bool(answer.evidence) and answer.quality >= self.accept and not answer.replacements

    def rejects(self, answer: Answer) -> bool:
        """Whether the answer is bad."""
        return bool(answer.evidence) and answer.quality <= self.reject

    def replacements(self, answer: Answer) -> list[Replacement]:
        """What was put in the answer's place and is likely enough, what people wrote first."""
        likely = [one for one in answer.replacements if one.probability >= self.min_probability]
        return sorted(likely, key=lambda one: one.fact)


def praise(evidence: Iterable[Evidence], rule: str) -> tuple[Reason, ...]:
    """The facts that speak for an answer."""
    return tuple(_reason(one, rule) for one in evidence if one.log_odds > 0)


def blame(evidence: Iterable[Evidence], rule: str) -> tuple[Reason, ...]:
    """The facts that speak against an answer."""
    return tuple(_reason(one, rule) for one in evidence if one.log_odds < 0)


def replaced(replacement: Replacement, rule: str) -> Reason:
    """The fact that put another text in an answer's place."""
    return Reason(replacement.fact, replacement.id, rule, replacement.probability)


def _reason(evidence: Evidence, rule: str) -> Reason:
    """A fact weighs by how far it alone moves the quality from one half: 0 to 1."""
    return Reason(evidence.fact, evidence.id, rule, round(math.tanh(abs(evidence.log_odds) / 2), 6))
