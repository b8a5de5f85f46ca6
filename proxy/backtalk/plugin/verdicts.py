"""What was said of a call, in the words that backends share: a name, a score, a label, an explanation, and who says so.

Pure: verdicts of signals; those of feedback are in `feedback_verdicts`. The one rule: what a person wrote goes along
only with `content`; figures, categories and the names of what was done always do.
"""

from typing import Final, Literal

import msgspec

from backtalk.model.evidence import without_texts
from backtalk.model.facts import SignalFound
from backtalk.model.ids import CallKey

Annotator = Literal["HUMAN", "CODE", "LLM"]
"""Who judges: a person, a program, a model (OpenInference's words)."""
Detail = str | bool | int | float | tuple[str, ...]
"""What a detail may hold."""
TEXT_LIMIT: Final = 4_096
"""Longest explanation or evidence, in characters."""
_json: Final = msgspec.json.Encoder()


class Verdict(msgspec.Struct, frozen=True):
    """A signal or a feedback in the words of the conventions. `target` is None where the call is not known."""

    id: str
    origin: str
    """`signal` or `feedback`."""
    name: str
    kind: str
    time_ns: int
    annotator: Annotator
    identifier: str
    """Whose word it is: the detector, or the feedback's id."""
    target: CallKey | None
    score: float | None = None
    label: str | None = None
    explanation: str | None = None
    target_trace_id: str | None = None
    response_id: str | None = None
    session_id: str | None = None
    scope: str = ""
    """`session.` where a whole session is judged."""
    details: tuple[tuple[str, Detail], ...] = ()
    withdraws: str | None = None
    """The id of the feedback that it takes back: then it judges nothing."""
    tenant: str = ""
    flag: bool | None = None
    """The value, where it was yes or no."""

    @property
    def key(self) -> str:
        """The same for every repeat, and no other verdict's."""
        return f"{self.origin}-{self.id}"

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
        "LLM" if signal.provenance == "llm" else "CODE",
        signal.detector,
        signal.about,
        score=signal.probability,
        label=signal.kind,
        session_id=signal.session_id or None,
        details=tuple(details),
        tenant=signal.tenant,
    )
