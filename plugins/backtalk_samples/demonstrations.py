"""Samples to imitate: answers that served, and answers as somebody put them right."""

from collections.abc import Sequence
from typing import ClassVar

from backtalk.plugin import Answer, Message, Prompt, Reason, Sample, SampleKind, Unfit
from backtalk_samples.limits import Limits, praise, replaced


class AcceptedAnswers:
    """An answer of which what is known says that it served."""

    name: ClassVar[str] = "accepted_answers"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    sample_kind: ClassVar[SampleKind] = "prompt_completion"
    settings_model = Limits

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def build(self, prompt: Prompt) -> Sequence[Sample | Unfit]:
        """A sample for each good answer."""
        good = [answer for answer in prompt.answers if self._limits.accepts(answer)]
        return [
            demonstration(prompt, answer, answer.message, praise(answer.evidence, "accepted_answer")) for answer in good
        ]


class CorrectedAnswers:
    """A correction, or the text with which the app went on, as the answer to learn."""

    name: ClassVar[str] = "corrected_answers"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    sample_kind: ClassVar[SampleKind] = "prompt_completion"
    settings_model = Limits

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def build(self, prompt: Prompt) -> Sequence[Sample | Unfit]:
        """A sample for each replacement."""
        return [
            demonstration(prompt, answer, one.message, (replaced(one, "corrected_answer"),))
            for answer in prompt.answers
            for one in self._limits.replacements(answer)
        ]


class ToolCalls:
    """Calls of tools that served, or that somebody put right; without tools on offer there is nothing to learn."""

    name: ClassVar[str] = "tool_calls"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    sample_kind: ClassVar[SampleKind] = "prompt_completion"
    settings_model = Limits

    def __init__(self, limits: Limits) -> None:
        self._builders = (AcceptedAnswers(limits), CorrectedAnswers(limits))

    def build(self, prompt: Prompt) -> Sequence[Sample | Unfit]:
        """The samples whose completion calls a tool."""
        if prompt.tools_json is None:
            return []
        made = [sample for builder in self._builders for sample in builder.build(prompt)]
        return [one for one in made if isinstance(one, Unfit) or (one.completion and one.completion.tool_calls)]


def demonstration(prompt: Prompt, answer: Answer, completion: Message, reasons: tuple[Reason, ...]) -> Sample:
    """A completion to imitate."""
    return Sample(
        "prompt_completion",
        prompt.messages,
        reasons,
        (answer.key,),
        completion=completion,
        tools_json=prompt.tools_json,
    )
