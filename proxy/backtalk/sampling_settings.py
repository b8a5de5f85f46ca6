"""What is drawn at random, with known chances: the section `[feedback.ask]`.

In: values from a file or a variable. Out: frozen sections. The one rule: nothing is drawn until it is switched on, and
a chance is never nothing and never certain, since neither tells anything of the others.
"""

from typing import Self

from pydantic import Field, model_validator

from backtalk.section import Section


class AskSettings(Section):
    """Asking for feedback at random, so that silence can be weighed."""

    enabled: bool = Field(default=False, description="Tell apps by x-feedback-ask whether to ask about an answer.")
    inline_share: float = Field(
        default=0.03, gt=0, lt=1, description="Chance of an answer to be asked about in passing."
    )
    prominent_share: float = Field(
        default=0.02, gt=0, lt=1, description="Chance of an answer to be asked about plainly."
    )

    @model_validator(mode="after")
    def _some_are_not_asked(self) -> Self:
        if self.inline_share + self.prominent_share >= 1:
            raise ValueError("inline_share and prominent_share together must leave answers that nobody is asked about")
        return self
