"""What feedback may measure: the tables `[metrics.<name>]` of the settings file.

    [metrics.resolved]
    value = "boolean"
    level = "session"

    [metrics.faithful]
    value = "number"
    range = [1, 5]

    [metrics.reason]
    value = "category"
    categories = ["wrong", "too_long", "unsafe"]
    direction = "none"

In: tables. Out: frozen declarations, by which feedback is checked at the door and read later. A metric that is not
declared is free: its values are taken as they come, unless `feedback.declared_metrics_only` is set.
"""

from typing import Final, Literal, Self

from pydantic import Field, model_validator

from backtalk.settings.section import Section

FeedbackSource = Literal["end_user", "reviewer", "system", "model_judge"]
"""Who stands behind a feedback, told by the credential alone: the person who used the app, a person who looks at
answers for others, a program that knows (a test, a ticket, a sale), or a model that judges."""

Level = Literal["call", "session"]
"""What one value of a metric is about."""

Direction = Literal["higher", "lower", "none"]
"""Which values are better; `none` for those that are only told apart."""

METRIC_FORM: Final = r"^[A-Za-z][A-Za-z0-9_.:-]{0,63}$"
"""How a metric may be called."""


class MetricSettings(Section):
    """One declared metric."""

    value: Literal["boolean", "number", "category"] = Field(
        default="number", description="Kind of its values: boolean, number or category."
    )
    range: tuple[float, float] | None = Field(
        default=None, description="Least and greatest number; scores of the metric need no range of their own."
    )
    categories: tuple[str, ...] = Field(default=(), description="The categories that there are.")
    level: Level = Field(default="call", description="What one value is about: a call or a session.")
    direction: Direction = Field(default="higher", description="Which values are better: higher, lower or none.")
    description: str = Field(default="", description="What it measures, in a sentence.")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.range is not None and (self.value != "number" or self.range[0] >= self.range[1]):
            raise ValueError("range is the least and a greater number, of a metric whose value is a number")
        if bool(self.categories) != (self.value == "category"):
            raise ValueError('categories are listed where value = "category", and only there')
        return self
