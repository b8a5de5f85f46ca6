"""Finds turns in the course of a dialogue: another model, another language, another topic in a turn's place, a return.

None of them judges an answer; each marks where one might look. All are claimed about the answer that was there before.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

from backtalk.plugin import CallClosed, CallOpened, Provenance, Scalar, SessionView, Signal, Turn, language_of

_TOPIC_SCORE: Final = 0.1
_SHOWN_PROBABILITY: Final = 0.9


class Dialogue:
    """Claims switches and returns."""

    name: ClassVar[str] = "dialogue"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.1"

    def observe(self, fact: CallOpened | CallClosed, session: SessionView) -> Sequence[Signal]:
        """Compare the new call with the one before it."""
        if not isinstance(fact, CallOpened):
            return ()
        found = [_topic_change(session), _resumption(session), _language_switch(session), _model_switch(fact, session)]
        return tuple(signal for signal in found if signal is not None)


def _topic_change(session: SessionView) -> Signal | None:
    """An edit that asks something else: the turn was taken back, its answer was not judged."""
    score, sibling = session.evidence.get("sibling_reformulation"), session.sibling
    if session.rule != "branch" or sibling is None or not isinstance(score, float) or score > _TOPIC_SCORE:
        return None
    return _neutral("topic_change", sibling, (1 - score) * session.confidence, {"score": score})


def _resumption(session: SessionView) -> Signal | None:
    if session.evidence.get("new_visit") is not True or session.parent is None:
        return None
    return _neutral("resumption", session.parent, session.confidence, {"gap_s": session.evidence.get("gap_s")})


def _language_switch(session: SessionView) -> Signal | None:
    if session.parent is None or session.follow_up is None:
        return None
    before, after = language_of(session.parent.user_text), language_of(session.user_text)
    if before is None or after is None or before == after:
        return None
    return _neutral("language_switch", session.parent, _SHOWN_PROBABILITY, {"from": before, "to": after})


def _model_switch(fact: CallOpened, session: SessionView) -> Signal | None:
    before = session.sibling or session.parent
    if before is None or before.model is None or fact.request.model in {None, before.model}:
        return None
    return _neutral("model_switch", before, session.confidence, {"from": before.model, "to": fact.request.model})


def _neutral(kind: str, about: Turn, probability: float, evidence: dict[str, Scalar]) -> Signal:
    provenance: Provenance = "lexical" if kind in {"language_switch", "topic_change"} else "structural"
    return Signal(kind, about.key, round(probability, 4), evidence, polarity="neutral", provenance=provenance)
