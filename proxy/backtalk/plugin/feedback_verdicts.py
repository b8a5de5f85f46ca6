"""Feedback in the words of evaluations: who judged, what it is called, its score and its label.

In: a fact, and who finds the call that a key names. Out: a verdict for each call that it is about. The one rule: what a
person wrote goes along only with `content`; a retraction judges nothing, it only names what it withdraws.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, cast

import msgspec

from backtalk.model.facts import FeedbackGiven
from backtalk.model.ids import CallKey
from backtalk.plugin.verdicts import Annotator, Detail, Verdict
from backtalk.settings.metrics import FeedbackSource

ANNOTATORS: Final[Mapping[FeedbackSource, Annotator]] = {
    "end_user": "HUMAN",
    "reviewer": "HUMAN",
    "model_judge": "LLM",
    "system": "CODE",
}
"""OpenInference's kind of annotator, by the source of a feedback."""
_USUAL: Final = frozenset(("rating", "score", "comment", "correction"))
_LABEL_CHARS: Final = 256
_TEXT_CHARS: Final = 4_096


class _Judged(NamedTuple):
    score: float | None = None
    label: str | None = None
    range: tuple[float, float] | None = None
    flag: bool | None = None


def of_feedback(
    feedback: FeedbackGiven, find: Callable[[FeedbackGiven], CallKey | None], *, content: bool = False
) -> list[Verdict]:
    """A verdict, or one for each of several calls; `find` tells which call a single key means."""
    if not feedback.calls:
        return [_verdict(feedback, feedback.feedback_id, find(feedback), _judged(feedback), content=content)]
    ranks = {call.rank for call in feedback.calls}
    return [
        _verdict(one, f"{feedback.feedback_id}-{number}", find(one), judged, content=content)
        for number, call in enumerate(feedback.calls)
        for one in [_about(feedback, number)]
        for judged in [_judged(feedback) if call.rank is None else _ranked(call.rank, len(ranks))]
    ]


def _about(feedback: FeedbackGiven, number: int) -> FeedbackGiven:
    """The same, of one of its calls."""
    call = feedback.calls[number]
    return msgspec.structs.replace(
        feedback,
        target_trace_id=call.trace_id,
        target_span_id=call.span_id,
        target_response_id=call.response_id,
        target_parent_span_id=call.parent_span_id,
        choice=feedback.choice if call.choice is None else call.choice,
        calls=(),
    )


def _verdict(
    feedback: FeedbackGiven, verdict_id: str, target: CallKey | None, judged: _Judged, *, content: bool
) -> Verdict:
    withdraws = feedback.supersedes if feedback.kind == "retraction" else None
    return Verdict(
        verdict_id,
        "feedback",
        "retraction" if withdraws else _name(feedback),
        feedback.kind,
        feedback.given_ns,
        ANNOTATORS[feedback.source],
        feedback.feedback_id,
        target,
        score=judged.score,
        label=judged.label,
        explanation=_written(feedback) if content else None,
        target_trace_id=feedback.target_trace_id,
        response_id=feedback.target_response_id,
        session_id=feedback.target_session_id,
        scope="session." if feedback.target_session_id else "",
        details=_details(feedback, judged.range),
        withdraws=withdraws,
        tenant=feedback.tenant,
        flag=judged.flag,
    )


def _name(feedback: FeedbackGiven) -> str:
    """The metric or the rubric; what has neither is told apart by its kind, what users say goes by one name."""
    named = feedback.metric or feedback.rubric
    return named or ("user_feedback" if feedback.kind in _USUAL and feedback.source == "end_user" else feedback.kind)


def _judged(feedback: FeedbackGiven) -> _Judged:
    value = _value(feedback)
    if feedback.kind in ("outcome", "label"):
        return _told(value, feedback.range)
    if feedback.kind == "rating" and isinstance(value, bool):
        return _Judged(float(value), "thumbs_up" if value else "thumbs_down", flag=value)
    if feedback.kind == "score" and isinstance(value, int | float) and not isinstance(value, bool):
        return _Judged(float(value), range=feedback.range)
    if feedback.kind == "event" and isinstance(value, str):
        return _Judged(label=value)
    if feedback.kind == "survey" and isinstance(value, dict):
        return _Judged(label=str(cast("dict[str, Any]", value).get("state")))
    return _Judged() if feedback.kind == "retraction" else _Judged(label=feedback.kind)


def _told(value: object, its_range: tuple[float, float] | None) -> _Judged:
    """True, false, a number, a category, or what could not be told, which is no score."""
    if isinstance(value, bool):
        return _Judged(float(value), "true" if value else "false", flag=value)
    if isinstance(value, int | float):
        return _Judged(float(value), range=its_range)
    return _Judged(label=value[:_LABEL_CHARS]) if isinstance(value, str) else _Judged()


def _ranked(rank: int, groups: int) -> _Judged:
    """The place as a share of the answers' groups: 1 is the best, 0 the last, one half where all are ties."""
    score = 0.5 if groups < 2 else 1 - rank / (groups - 1)
    return _Judged(score, f"{rank + 1} of {groups}", (0.0, 1.0))


def _details(feedback: FeedbackGiven, its_range: tuple[float, float] | None) -> tuple[tuple[str, Detail], ...]:
    low, high = its_range or (None, None)
    known: dict[str, Detail | None] = {
        "source": feedback.source,
        "range.low": low,
        "range.high": high,
        "replaces": feedback.supersedes if feedback.kind != "retraction" else None,
        "choice": feedback.choice,
        "level": feedback.level,
        "direction": feedback.direction,
        "distance": feedback.distance,
        "duration_s": feedback.duration_s,
        "rubric": feedback.rubric,
        "answers": _chosen(feedback),
    }
    return tuple((f"backtalk.feedback.{name}", value) for name, value in known.items() if value is not None)


def _chosen(feedback: FeedbackGiven) -> str | None:
    """What was chosen in a survey; what was written stays with the content."""
    value = _value(feedback) if feedback.kind == "survey" else None
    answers = cast("dict[str, Any]", value).get("answers") if isinstance(value, dict) else None
    if not isinstance(answers, dict):
        return None
    chosen = {name: said for name, said in cast("dict[str, Any]", answers).items() if not isinstance(said, str)}
    return msgspec.json.encode(chosen, order="sorted").decode()[:_TEXT_CHARS] if chosen else None


def _written(feedback: FeedbackGiven) -> str | None:
    """What a person wrote of it."""
    said = feedback.comment
    if not said and feedback.kind in ("comment", "correction", "survey"):
        value = _value(feedback)
        said = value if isinstance(value, str) else feedback.value_json
    return said[:_TEXT_CHARS] if said else None


def _value(feedback: FeedbackGiven) -> object:
    try:
        return msgspec.json.decode(feedback.value_json)
    except (msgspec.MsgspecError, RecursionError):
        return None
