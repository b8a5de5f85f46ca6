"""Answers with a verdict each (KTO), and prompts for training by a reward (GRPO)."""

from collections.abc import Sequence
from typing import ClassVar

from backtalk.plugin import Answer, Message, Prompt, Reason, Sample, SampleKind, Unfit
from backtalk_samples.limits import Limits, blame, praise, replaced


class JudgedAnswers:
    """Good and bad answers, unpaired; a correction counts as a good one."""

    name: ClassVar[str] = "judged_answers"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    sample_kind: ClassVar[SampleKind] = "unpaired_preference"
    settings_model = Limits

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def build(self, prompt: Prompt) -> Sequence[Sample | Unfit]:
        """A sample for each answer of which it is known whether it served, and for each replacement."""
        return [sample for answer in prompt.answers for sample in self._of(prompt, answer)]

    def _of(self, prompt: Prompt, answer: Answer) -> list[Sample]:
        made: list[Sample] = []
        if self._limits.accepts(answer):
            made.append(_labelled(prompt, answer, answer.message, praise(answer.evidence, "good_answer"), label=True))
        elif self._limits.rejects(answer):
            made.append(_labelled(prompt, answer, answer.message, blame(answer.evidence, "bad_answer"), label=False))
        for one in self._limits.replacements(answer):
            reasons = (replaced(one, "corrected_answer"),)
            made.append(_labelled(prompt, answer, one.message, reasons, label=True))
        return made


class JudgedPrompts:
    """Prompts of which something is known, each once, with a right answer where there is one."""

    name: ClassVar[str] = "judged_prompts"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    sample_kind: ClassVar[SampleKind] = "prompt_only"
    settings_model = Limits

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def build(self, prompt: Prompt) -> Sequence[Sample | Unfit]:
        """One sample."""
        told = [answer for answer in prompt.answers if answer.evidence or answer.replacements]
        if not told:
            return []
        facts = [one for answer in told for one in answer.evidence]
        reasons = (*praise(facts, "judged_prompt"), *blame(facts, "judged_prompt"))
        reference = right_answer(prompt, self._limits)
        extra = () if reference is None else reference[1]
        if not (reasons or extra):
            return []
        message = None if reference is None else reference[0]
        keys = tuple(dict.fromkeys(answer.key for answer in told))
        return [
            Sample(
                "prompt_only",
                prompt.messages,
                _once((*extra, *reasons)),
                keys,
                reference=message,
                tools_json=prompt.tools_json,
            )
        ]


def right_answer(prompt: Prompt, limits: Limits) -> tuple[Message, tuple[Reason, ...]] | None:
    """What is known to be a right answer, a person's words before the model's; with the facts that say so."""
    for answer in prompt.answers:
        for one in limits.replacements(answer):
            return one.message, (replaced(one, "reference"),)
    good = [answer for answer in prompt.answers if limits.accepts(answer)]
    if not good:
        return None
    best = max(good, key=lambda answer: (answer.log_odds, -answer.opened_ns))
    return best.message, praise(best.evidence, "reference")


def _once(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    found: dict[tuple[str, str], Reason] = {}
    for reason in reasons:
        found.setdefault((reason.fact, reason.id), reason)
    return tuple(found.values())


def _labelled(
    prompt: Prompt, answer: Answer, completion: Message, reasons: tuple[Reason, ...], *, label: bool
) -> Sample:
    return Sample(
        "unpaired_preference",
        prompt.messages,
        reasons,
        (answer.key,),
        completion=completion,
        label=label,
        tools_json=prompt.tools_json,
    )
