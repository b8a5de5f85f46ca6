"""Finds what a next turn says of the answer before it: that it was wrong, that it served, that it was not understood.

The host has judged the texts (`SessionView.follow_up`); this claims what is likely enough. Of a correction and an
acceptance in one turn the correction holds.
"""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from backtalk.plugin import CallClosed, CallOpened, FollowUp, Polarity, SessionView, Signal


class FollowUpSettings(BaseModel):
    """From which probability on a claim is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    at_least: float = Field(default=0.5, ge=0, le=1)


class FollowUpTurn:
    """Claims corrections, acceptances, questions back and calls for a human."""

    name: ClassVar[str] = "follow_up"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.1"
    settings_model = FollowUpSettings

    def __init__(self, settings: FollowUpSettings | None = None) -> None:
        self._settings = settings or FollowUpSettings()

    def observe(self, fact: CallOpened | CallClosed, session: SessionView) -> Sequence[Signal]:
        """Each kind that the turn is likely of."""
        turn, parent = session.follow_up, session.parent
        if not isinstance(fact, CallOpened) or turn is None or parent is None:
            return ()
        evidence = {"rules": ", ".join(turn.rules)}
        return tuple(
            Signal(kind, parent.key, round(probability, 4), evidence, polarity=polarity, provenance="lexical")
            for kind, probability, polarity in _claims(turn)
            if probability >= self._settings.at_least
        )


def _claims(turn: FollowUp) -> Sequence[tuple[str, float, Polarity]]:
    return (
        ("correction", turn.correction, "negative"),
        ("acceptance", turn.acceptance, "positive"),
        ("clarification", turn.clarification, "negative"),
        ("escalation", turn.escalation, "negative"),
    )
