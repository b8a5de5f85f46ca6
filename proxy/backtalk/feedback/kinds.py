"""Every kind of feedback as a pydantic model, told apart by `kind`: what POST /v1/feedback takes.

The models say what a body may hold, for the door (`feedback.body`) and for whoever reads GET /v1/feedback/schema.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, StrictBool, TypeAdapter, model_validator

from backtalk.feedback import fields
from backtalk.feedback.about import About, Calls, CallTarget, Range, Spoken, wrong
from backtalk.feedback.correction import correction
from backtalk.model.feedback import EventName, SurveyState
from backtalk.settings.metrics import Level


class Measured(About):
    """Feedback that may name what it measures."""

    metric: fields.Metric | None = None


class Rating(Measured):
    """A thumb."""

    kind: Literal["rating"]
    value: Annotated[StrictBool, Field(description="true (thumb up) or false (thumb down)")]


class Score(Measured):
    """A number whose range is known."""

    kind: Literal["score"]
    value: Annotated[fields.Number, Field(description="a finite number")]
    range: Annotated[Range, Field(description="the least and the greatest number, like [1, 5]")] | None = None

    @model_validator(mode="after")
    def _lies_in_its_range(self) -> Self:
        if self.range is not None:
            low, high = self.range
            if low >= high:
                raise wrong("range", "range must be the least and a greater number, like [1, 5]")
            if not low <= self.value <= high:
                raise wrong("value", f"the score {self.value:g} is outside its range, {low:g} to {high:g}")
        return self


class Comment(Measured):
    """Words."""

    kind: Literal["comment"]
    value: Annotated[fields.Text, Field(description="a text")]


class Correction(Measured):
    """The better answer, as a text or as an assistant message, which may call tools."""

    kind: Literal["correction"]
    value: Annotated[
        str | dict[str, Any], AfterValidator(correction), Field(description="a text or an assistant message")
    ]


class Ranking(Spoken):
    """An order of several answers, best first; those in one group are as good as each other."""

    kind: Literal["ranking"]
    metric: fields.Metric | None = None
    order: Annotated[
        list[Annotated[list[CallTarget], Field(min_length=1, max_length=fields.MAX_CALLS)]],
        Field(
            min_length=1,
            max_length=fields.MAX_CALLS,
            description='the groups of calls, best first, like [[{"trace_id": "..."}], [{"trace_id": "..."}]]',
        ),
    ]
    shown: Annotated[Calls, Field(description="the same calls in the order in which they were seen")] | None = None

    @model_validator(mode="after")
    def _ranks_each_call_once(self) -> Self:
        ranked = [call for group in self.order for call in group]
        if not 2 <= len(ranked) <= fields.MAX_CALLS or len(set(ranked)) < len(ranked):
            raise wrong("order", f"order must hold 2 to {fields.MAX_CALLS} calls, each once")
        if self.shown is not None and (len(self.shown) != len(ranked) or set(self.shown) != set(ranked)):
            raise wrong("shown", "shown must hold the calls of order, each once, named by the same keys")
        return self


class Survey(Measured):
    """Answers to questions of the app's own; a null answer is a question that was left open."""

    kind: Literal["survey"]
    state: Annotated[SurveyState, Field(description="shown, answered or declined")] = "answered"
    answers: (
        Annotated[
            dict[fields.Name, StrictBool | fields.Number | fields.Text | None],
            Field(
                min_length=1,
                max_length=fields.MAX_QUESTIONS,
                description="an object of 1 to 64 questions, each with true, false, a number, a text or null",
            ),
        ]
        | None
    ) = None

    @model_validator(mode="after")
    def _has_answers_where_it_was_answered(self) -> Self:
        if (self.answers is not None) != (self.state == "answered"):
            raise wrong("answers", f"answers stand where state is answered, and only there; this one is {self.state}")
        return self


class Outcome(About):
    """What became of it: ground truth, which may come weeks later."""

    kind: Literal["outcome"]
    metric: Annotated[fields.Metric, Field(description="a declared metric's name, or a name of your own")]
    value: Annotated[fields.Judged, Field(description=fields.JUDGED)]
    level: Annotated[Level, Field(description="call or session")] | None = None


class Event(Measured):
    """What a person did with an answer, as the app saw it."""

    kind: Literal["event"]
    value: Annotated[EventName, Field(description="one of the names of events")]
    distance: Annotated[fields.Share, Field(description="a number from 0 (kept as it is) to 1")] | None = None
    duration_s: Annotated[fields.Duration, Field(description="a number of seconds, up to a year")] | None = None


class Label(Measured):
    """A reviewer's or a judge's verdict, by a rubric."""

    kind: Literal["label"]
    value: Annotated[fields.Judged, Field(description=fields.JUDGED)]
    rubric: Annotated[fields.Name, Field(description="the name of the rubric that was followed")] | None = None


AnyKind = Rating | Score | Comment | Correction | Ranking | Survey | Outcome | Event | Label

KINDS: Final[Mapping[str, type[Spoken]]] = {
    "rating": Rating,
    "score": Score,
    "comment": Comment,
    "correction": Correction,
    "ranking": Ranking,
    "survey": Survey,
    "outcome": Outcome,
    "event": Event,
    "label": Label,
}
"""The model of each kind that can be posted."""


def schema() -> dict[str, Any]:
    """The JSON Schema of everything that can be posted."""
    return TypeAdapter[Any](Annotated[AnyKind, Field(discriminator="kind")]).json_schema()
