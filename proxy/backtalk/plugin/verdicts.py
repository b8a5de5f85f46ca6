"""What was said of a call, in the words that backends share: a name, a score, a label, an explanation, and who says so.

Pure: signals and feedback in, verdicts out. The one rule: what a person wrote goes along only with `content`; figures,
categories and the names of what was done always do.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, cast

import msgspec

from backtalk.metric_settings import FeedbackSource
from backtalk.model.evidence import without_texts
from backtalk.model.facts import FeedbackGiven, SignalFound
from backtalk.model.ids import CallKey

Annotator = Literal["HUMAN", "CODE", "LLM"]
"""Who judges: a person, a program, a model (OpenInference's words)."""
TEXT_LIMIT: Final = 4_096
"""Longest explanation or evidence, in characters."""
_LABEL_LIMIT: Final = 256
_ANNOTATORS: Final[Mapping[FeedbackSource, Annotator]] = {
    "end_user": "HUMAN",
    "reviewer": "HUMAN",
    "system": "CODE",
    "model_judge": "LLM",
}
_json: Final = msgspec.json.Encoder()

Detail = str | bool | int | float
"""What a detail may hold."""


class Verdict(msgspec.Struct, frozen=True):
    """A signal or a feedback about one call, trace or session. `target` is None where the call is not known."""

    id: str
    origin: Literal["signal", "feedback"]
    name: str
    kind: str
    time_ns: int
    """When it became true or was seen."""
    said_ns: int
    """When it reached us."""
    annotator: Annotator
    identifier: str
    """Whose word it is: the detector, or the feedback's id."""
    tenant: str
    target: CallKey | None
    item: int | None = None
    """Its place among several calls of one feedback."""
    flag: bool | None = None
    """The value, where it was yes or no."""
    score: float | None = None
    label: str | None = None
    explanation: str | None = None
    target_trace_id: str | None = None
    response_id: str | None = None
    session_id: str | None = None
    scope: Literal["", "session."] = ""
    """`session.` where a whole session is judged."""
    details: tuple[tuple[str, Detail], ...] = ()

    @property
    def key(self) -> str:
        """The same for every repeat, and no other verdict's."""
        return f"{self.origin}-{self.id}" if self.item is None else f"{self.origin}-{self.id}-{self.item}"

    @property
    def value(self) -> bool | float | str:
        """The one value, for backends that take one: a flag, else the score, else the label."""
        if self.flag is not None:
            return self.flag
        return self.score if self.score is not None else self.label or self.kind


def of_signal(signal: SignalFound, *, content: bool = False) -> Verdict:
    """A signal: its probability is the score; texts of its evidence go along only with `content`."""
    details: list[tuple[str, Detail]] = [
        ("backtalk.signal.shown_by.trace_id", signal.shown_by.trace_id),
        ("backtalk.signal.shown_by.span_id", signal.shown_by.span_id),
        ("backtalk.detector", f"{signal.detector} {signal.detector_version}"),
        ("backtalk.signal.polarity", signal.polarity),
        ("backtalk.signal.provenance", signal.provenance),
    ]
    evidence = signal.evidence if content else without_texts(signal.evidence)
    if evidence:
        details.append(("backtalk.signal.evidence", _json.encode(evidence).decode()[:TEXT_LIMIT]))
    return Verdict(
        signal.signal_id,
        "signal",
        signal.kind,
        signal.kind,
        signal.found_ns,
        signal.found_ns,
        "LLM" if signal.provenance == "llm" else "CODE",
        signal.detector,
        signal.tenant,
        signal.about,
        score=signal.probability,
        label=signal.kind,
        session_id=signal.session_id or None,
        details=tuple(details),
    )


def of_feedback(
    feedback: FeedbackGiven, target: CallKey | None, *, item: int | None = None, content: bool = False
) -> Verdict:
    """A feedback about one call; `item` counts the calls of one that is about several."""
    flag, score, label = _value_of(feedback, item)
    said = _said(feedback) if content else None
    return Verdict(
        feedback.feedback_id,
        "feedback",
        feedback.metric or "user_feedback",
        feedback.kind,
        feedback.given_ns if feedback.at_ns is None else feedback.at_ns,
        feedback.given_ns,
        _ANNOTATORS[feedback.source],
        feedback.feedback_id,
        feedback.tenant,
        target,
        item=item,
        flag=flag,
        score=score,
        label=label,
        explanation=said[:TEXT_LIMIT] if said else None,
        target_trace_id=feedback.target_trace_id,
        response_id=feedback.target_response_id,
        session_id=feedback.target_session_id,
        scope="session." if feedback.target_session_id else "",
        details=_details(feedback),
    )


def _value_of(feedback: FeedbackGiven, item: int | None) -> tuple[bool | None, float | None, str | None]:
    """Flag, score and label; a label is a category or the name of what was done, never what somebody wrote."""
    value = _decoded(feedback)
    if isinstance(value, bool):
        words = ("thumbs_down", "thumbs_up") if feedback.kind == "rating" else ("false", "true")
        return value, float(value), words[value]
    if isinstance(value, int | float):
        return None, float(value), None
    if feedback.kind in ("outcome", "label", "event"):
        return None, None, value[:_LABEL_LIMIT] if isinstance(value, str) else "not_told"
    if feedback.kind == "ranking" and item is not None and (rank := feedback.calls[item].rank) is not None:
        return None, None, f"rank_{rank + 1}"
    if feedback.kind == "survey" and isinstance(value, dict):
        state = cast("dict[str, object]", value).get("state")
        return None, None, state if isinstance(state, str) else "survey"
    return None, None, feedback.kind


def _said(feedback: FeedbackGiven) -> str | None:
    """What a person wrote: a comment, a correction, the answers of a survey."""
    value = _decoded(feedback)
    written = value if isinstance(value, str) else feedback.value_json
    own = written if feedback.kind in ("comment", "correction", "survey") else None
    return "\n".join(part for part in (own, feedback.comment) if part) or None


def _details(feedback: FeedbackGiven) -> tuple[tuple[str, Detail], ...]:
    told: dict[str, Any] = {
        "backtalk.feedback.channel": feedback.channel,
        "backtalk.feedback.given_by": feedback.source,
        "backtalk.feedback.rater": feedback.rater,
        "backtalk.feedback.choice": feedback.choice,
        "backtalk.feedback.distance": feedback.distance,
        "backtalk.feedback.duration": feedback.duration_s,
        "backtalk.feedback.rubric": feedback.rubric,
        "backtalk.feedback.supersedes": feedback.supersedes,
    }
    return tuple((name, value) for name, value in told.items() if value is not None)


def _decoded(feedback: FeedbackGiven) -> object:
    try:
        return msgspec.json.decode(feedback.value_json)
    except (msgspec.MsgspecError, RecursionError):
        return None
