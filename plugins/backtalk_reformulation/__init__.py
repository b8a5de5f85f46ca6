"""Finds reformulations: a person said again, in other words, what the answer had not served.

Two forms. An edit: the new text stands in the place of an earlier one (a branch, or a first turn sent again); the place
is strong evidence, the texts only tell a rewording from a change of mind. A next turn that says the last one again: the
texts are all the evidence there is, so only a close rewording counts, and never an exact repeat.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from backtalk.plugin import CallClosed, CallOpened, Provenance, SessionView, Signal, Turn

_EDITS: Final = frozenset({"branch", "first_turn_edit"})


class ReformulationSettings(BaseModel):
    """From which score on a pair of texts counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    edit: float = Field(default=0.3, ge=0, le=1)
    next_turn: float = Field(default=0.5, ge=0, le=1)


class Reformulation:
    """Claims that the earlier answer did not serve, for the question came again in other words."""

    name: ClassVar[str] = "reformulation"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "2.1"
    settings_model = ReformulationSettings

    def __init__(self, settings: ReformulationSettings | None = None) -> None:
        self._settings = settings or ReformulationSettings()

    def observe(self, fact: CallOpened | CallClosed, session: SessionView) -> Sequence[Signal]:
        """Look at the text that stands in an earlier one's place, or comes right after it."""
        if not isinstance(fact, CallOpened):
            return ()
        if session.rule in _EDITS:
            return self._edit(session)
        return self._next_turn(session)

    def _edit(self, session: SessionView) -> Sequence[Signal]:
        score = _score(session, "sibling_reformulation")
        if session.sibling is None or not session.sibling.was_shown or score < self._settings.edit:
            return ()
        by = session.evidence.get("sibling_reformulation_by")
        return (_signal(session.sibling, "edit_and_resubmit", score, "embedding" if by == "embedding" else "lexical"),)

    def _next_turn(self, session: SessionView) -> Sequence[Signal]:
        turn, parent = session.follow_up, session.parent
        if turn is None or parent is None or turn.repeats or turn.reformulation < self._settings.next_turn:
            return ()
        return (_signal(parent, "next_turn", round(turn.reformulation, 4), turn.provenance),)


def _signal(about: Turn, form: str, score: float, provenance: Provenance) -> Signal:
    return Signal("reformulation", about.key, score, {"form": form, "score": score}, provenance=provenance)


def _score(session: SessionView, name: str) -> float:
    score = session.evidence.get(name)
    return score if isinstance(score, float) else 0.0
