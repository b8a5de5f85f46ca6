"""Cases of an evaluation: what failed, what served, and what a later model made worse."""

from collections.abc import Sequence
from typing import ClassVar

from backtalk.plugin import Answer, Message, Prompt, Reason, Sample, SampleKind, Unfit
from backtalk_samples.judged import right_answer
from backtalk_samples.limits import Limits, blame, praise


class FailedCases:
    """Prompts whose answer failed, with a reference: a correction, an edit, or an answer that served."""

    name: ClassVar[str] = "failed_cases"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    sample_kind: ClassVar[SampleKind] = "eval_case"
    settings_model = Limits

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def build(self, prompt: Prompt) -> Sequence[Sample | Unfit]:
        """One case, by the worst answer."""
        failed = [one for one in prompt.answers if self._limits.rejects(one) or self._limits.replacements(one)]
        if not failed:
            return []
        worst = min(failed, key=lambda answer: (answer.log_odds, answer.opened_ns, answer.key, answer.choice or 0))
        found = right_answer(prompt, self._limits)
        reasons = blame(worst.evidence, "failed_answer")
        if found is None:
            return [Unfit(one.fact, one.id, "no_reference") for one in reasons]
        reference, why = found
        known = {(one.fact, one.id) for one in why}
        both = (*why, *(one for one in reasons if (one.fact, one.id) not in known))
        return [_case(prompt, worst, reference, both, tag="failed")]


class GoldenCases:
    """Prompts whose answer served, with that answer as the reference."""

    name: ClassVar[str] = "golden_cases"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    sample_kind: ClassVar[SampleKind] = "eval_case"
    settings_model = Limits

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def build(self, prompt: Prompt) -> Sequence[Sample | Unfit]:
        """One case, by the best answer."""
        good = [answer for answer in prompt.answers if self._limits.accepts(answer)]
        if not good:
            return []
        best = max(good, key=lambda answer: (answer.log_odds, -answer.opened_ns))
        return [_case(prompt, best, best.message, praise(best.evidence, "golden_answer"), tag="golden")]


class RegressionCases:
    """Prompts that one model answered well and another, later, badly."""

    name: ClassVar[str] = "regression_cases"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    sample_kind: ClassVar[SampleKind] = "eval_case"
    settings_model = Limits

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def build(self, prompt: Prompt) -> Sequence[Sample | Unfit]:
        """One case, by the first good answer and the last bad one after it."""
        good = next((answer for answer in prompt.answers if self._limits.accepts(answer)), None)
        if good is None:
            return []
        bad = [
            answer
            for answer in prompt.answers
            if answer.opened_ns > good.opened_ns and answer.model != good.model and self._limits.rejects(answer)
        ]
        if not bad:
            return []
        reasons = (*praise(good.evidence, "earlier_answer"), *blame(bad[-1].evidence, "later_answer"))
        case = _case(prompt, bad[-1], good.message, reasons, tag="regression")
        return [case]


def _case(prompt: Prompt, answer: Answer, reference: Message, reasons: tuple[Reason, ...], *, tag: str) -> Sample:
    """A case; `completion` is what the model said."""
    return Sample(
        "eval_case",
        prompt.messages,
        reasons,
        (answer.key,),
        completion=answer.message,
        reference=reference,
        tag=tag,
        tools_json=prompt.tools_json,
    )
