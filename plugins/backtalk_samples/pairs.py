"""Pairs of which a single act says which is better: a correction, an edit, a regeneration."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from backtalk.plugin import Answer, Evidence, Message, Prompt, Reason, Replacement, Sample, SampleKind, Unfit
from backtalk_samples.limits import Limits, replaced

_KEPT: Final = 0.6
"""A kept answer is better than the one that was passed over less surely than that one failed: an assumption."""


class CorrectionPairs:
    """What somebody gave as the right answer, over what the model said."""

    name: ClassVar[str] = "correction_pairs"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    sample_kind: ClassVar[SampleKind] = "preference"

    def build(self, prompt: Prompt) -> Sequence[Sample | Unfit]:
        """A pair for each correction."""
        return [_of_replacement(prompt, *one, "correction") for one in _replacements(prompt, "feedback")]


class EditPairs:
    """The text with which the app went on, over what the model said."""

    name: ClassVar[str] = "edit_pairs"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    sample_kind: ClassVar[SampleKind] = "preference"
    settings_model = Limits

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def build(self, prompt: Prompt) -> Sequence[Sample | Unfit]:
        """A pair for each likely edit."""
        return [
            _of_replacement(prompt, answer, one, "edit")
            if one.probability >= self._limits.min_probability
            else Unfit(one.fact, one.id, "improbable")
            for answer, one in _replacements(prompt, "signal")
        ]


class RegenerationPairs:
    """The answer at which the person stopped asking again, over one that was passed over."""

    name: ClassVar[str] = "regeneration_pairs"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    sample_kind: ClassVar[SampleKind] = "preference"
    settings_model = Limits

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def build(self, prompt: Prompt) -> Sequence[Sample | Unfit]:
        """A pair for each answer that was passed over."""
        return [
            self._pair(prompt, answer, one)
            for answer in prompt.answers
            for one in answer.evidence
            if one.kind == "regeneration" and one.fact == "signal"
        ]

    def _pair(self, prompt: Prompt, answer: Answer, passed_over: Evidence) -> Sample | Unfit:
        probability = float(passed_over.value or 0)
        if probability < self._limits.min_probability:
            return Unfit("signal", passed_over.id, "improbable")
        kept = _kept(prompt, answer, passed_over)
        if kept is None:
            return Unfit("signal", passed_over.id, "kept_answer_unknown")
        if kept.log_odds < 0:
            return Unfit("signal", passed_over.id, "kept_answer_failed")
        reason = Reason("signal", passed_over.id, "regeneration", round(probability * _KEPT, 6))
        return preference(prompt, (kept, kept.message), answer, (reason,))


def preference(
    prompt: Prompt, chosen: tuple[Answer | None, Message], rejected: Answer, reasons: tuple[Reason, ...]
) -> Sample | Unfit:
    """A pair, with its margin in log-odds; of equal texts none is better."""
    better, message = chosen
    if (message.text, message.tool_calls) == (rejected.message.text, rejected.message.tool_calls):
        return Unfit(reasons[0].fact, reasons[0].id, "nothing_changed")
    margin = (better.log_odds if better else 0.0) - rejected.log_odds
    return Sample(
        "preference",
        prompt.messages,
        reasons,
        tuple(dict.fromkeys((better.key, rejected.key) if better else (rejected.key,))),
        completion=message,
        rejected=rejected.message,
        margin=round(max(margin, 0.0), 6),
        tools_json=prompt.tools_json,
    )


def _replacements(prompt: Prompt, fact: str) -> Iterator[tuple[Answer, Replacement]]:
    return ((answer, one) for answer in prompt.answers for one in answer.replacements if one.fact == fact)


def _of_replacement(prompt: Prompt, answer: Answer, replacement: Replacement, rule: str) -> Sample | Unfit:
    made = preference(prompt, (None, replacement.message), answer, (replaced(replacement, rule),))
    if isinstance(made, Unfit) or replacement.shown_by is None:
        return made
    return Sample(
        made.kind,
        made.prompt,
        made.reasons,
        (*made.calls, replacement.shown_by),
        completion=made.completion,
        rejected=made.rejected,
        margin=made.margin,
        tools_json=made.tools_json,
    )


def _kept(prompt: Prompt, answer: Answer, passed_over: Evidence) -> Answer | None:
    """The answer at the end of a run of regenerations; of several choices none is known to have been kept."""
    by_key = {one.key: one for one in prompt.answers if one.choice is None}
    seen = {answer.key}
    found = by_key.get(passed_over.shown_by) if passed_over.shown_by else None
    while found is not None and found.key not in seen:
        seen.add(found.key)
        again = next((one.shown_by for one in found.evidence if one.kind == "regeneration" and one.shown_by), None)
        if again is None:
            return found
        found = by_key.get(again)
    return None
