"""Finds answers that did not deliver: refused, empty, cut by a limit, or apologising once more.

All is seen at the call's own end, so the signal is about the call that shows it.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from backtalk.plugin import CallClosed, CallOpened, Cue, Message, Provenance, Scalar, SessionView, Signal, cues

_LIMITS: Final[Mapping[str, float]] = {"length": 0.95, "content_filter": 0.9, "max_tokens": 0.95}
"""Finish reasons that cut an answer, and how likely it was not whole."""
_CONTEXT: Final = ("context_length", "maximum context", "context window", "too many tokens")
_RATE_LIMITED: Final = 429
_REFUSAL_CHARS: Final = 400
"""A longer answer that also declines something has mostly delivered."""
_LOOP: Final = 2
_LOOKED_BACK: Final = 3


class Answer:
    """Claims refusals, apology loops, empty answers and exhaustion."""

    name: ClassVar[str] = "answer"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"

    def observe(self, fact: CallOpened | CallClosed, session: SessionView) -> Sequence[Signal]:  # noqa: ARG002  # the fact says all
        """Look at how the call ended and what was said."""
        if not isinstance(fact, CallClosed) or fact.outcome == "client_disconnected":
            return ()
        opening = cues(fact.response.text[:_REFUSAL_CHARS])
        found = [_exhaustion(fact), _refusal(fact, opening), _empty(fact), _apology_loop(fact, opening)]
        return tuple(signal for signal in found if signal is not None)


def _exhaustion(fact: CallClosed) -> Signal | None:
    reason = next((reason for reason in fact.response.finish_reasons if reason in _LIMITS), None)
    if reason is not None:
        return _signal(fact, "exhaustion", _LIMITS[reason], {"limit": reason})
    said = (fact.response.error_message or "").casefold()
    if fact.status == _RATE_LIMITED:
        return _signal(fact, "exhaustion", 0.99, {"limit": "rate"})
    if any(part in said for part in _CONTEXT):
        return _signal(fact, "exhaustion", 0.99, {"limit": "context"})
    return None


def _refusal(fact: CallClosed, opening: Sequence[Cue]) -> Signal | None:
    if not _succeeded(fact):
        return None
    if any(choice.refusal for choice in fact.response.choices):
        return _signal(fact, "refusal", 0.99, {"rule": "field"})
    text = fact.response.text
    declining = [cue.phrase for cue in opening if cue.kind == "refusal"]
    if not declining or fact.response.choices[0].tool_calls:
        return None
    probability = 0.85 if len(text) <= _REFUSAL_CHARS else 0.4
    return _signal(fact, "refusal", probability, {"rule": declining[0]}, "lexical")


def _empty(fact: CallClosed) -> Signal | None:
    if not _succeeded(fact) or fact.response.not_understood or fact.response_capture != "full":
        return None
    if fact.opened.api != "chat" or any(_holds(choice) for choice in fact.response.choices):
        return None
    return _signal(fact, "empty_answer", 0.95, {"choices": len(fact.response.choices)})


def _apology_loop(fact: CallClosed, opening: Sequence[Cue]) -> Signal | None:
    """The answer apologises, and so did the ones before it."""
    if not any(cue.kind == "apology" for cue in opening):
        return None
    answers = [message.text for message in fact.opened.request.messages if message.role == "assistant"]
    in_a_row = 1
    for text in reversed(answers[-_LOOKED_BACK:]):
        if not any(cue.kind == "apology" for cue in cues(text[:_REFUSAL_CHARS])):
            break
        in_a_row += 1
    if in_a_row < _LOOP:
        return None
    return _signal(fact, "apology_loop", min(0.5 + 0.2 * (in_a_row - 1), 0.95), {"in_a_row": in_a_row}, "lexical")


def _signal(
    fact: CallClosed,
    kind: str,
    probability: float,
    evidence: Mapping[str, Scalar],
    provenance: Provenance = "structural",
) -> Signal:
    return Signal(kind, fact.key, round(probability, 4), evidence, provenance=provenance)


def _succeeded(fact: CallClosed) -> bool:
    return 200 <= fact.status < 300 and fact.outcome == "completed"  # HTTP's class of success


def _holds(choice: Message) -> bool:
    return bool(choice.text.strip() or choice.tool_calls or choice.refusal or choice.canonical)
