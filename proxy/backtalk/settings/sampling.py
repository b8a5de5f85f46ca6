"""What is drawn at random, with known chances: the sections `[feedback.ask]` and `[feedback.audit]`.

In: values from a file or a variable. Out: frozen sections. The one rule: nothing is drawn until it is switched on, and
a chance is never nothing and never certain, since neither tells anything of the others.
"""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from backtalk.settings.section import Section


def _is_chance(value: float) -> float:
    if not 0 < value < 1:
        raise ValueError(
            "must be above 0 and below 1: a sample is weighed by its chance against what was not drawn, and a chance of"
            " 1 leaves nothing undrawn, one of 0 draws nothing"
        )
    return value


_Chance = Annotated[float, AfterValidator(_is_chance)]


class AskSettings(Section):
    """Asking for feedback at random, so that silence can be weighed."""

    enabled: bool = Field(default=False, description="Tell apps by x-feedback-ask whether to ask about an answer.")
    inline_share: _Chance = Field(default=0.03, description="Chance of an answer to be asked about in passing.")
    prominent_share: _Chance = Field(default=0.02, description="Chance of an answer to be asked about plainly.")

    @model_validator(mode="after")
    def _some_are_not_asked(self) -> Self:
        if self.inline_share + self.prominent_share >= 1:
            raise ValueError("inline_share and prominent_share together must leave answers that nobody is asked about")
        return self


class AuditSettings(Section):
    """Answers for reviewers: a random sample, so that what they say holds for all."""

    enabled: bool = Field(default=False, description="Put a random sample of answers in the queue of reviewers.")
    share: _Chance = Field(default=0.02, description="Chance of an answer to be put there.")
    shares: tuple[str, ...] = Field(
        default=(), description="Other chances by model or route, like `gpt-4o*=0.1`; the first that fits counts."
    )

    reviewers: int = Field(default=1, ge=1, le=16, description="How many reviewers an answer is shown to.")

    @field_validator("shares")
    @classmethod
    def _are_chances(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            read_share(entry)
        return value


def read_share(entry: str) -> tuple[str, float]:
    """A pattern of models or routes and its chance; raises `ValueError` where it is none."""
    pattern, _, share = entry.rpartition("=")
    try:
        chance = float(share)
    except ValueError:
        chance = 0.0
    if not pattern or not 0 < chance <= 1:
        raise ValueError("must be like `model-or-route*=0.1`, with a chance above 0, up to 1")
    return pattern, chance
