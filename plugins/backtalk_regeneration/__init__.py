"""Finds regenerations: a person asked the same again and so passed over the answer there was.

A repeat by software (a retry after a failure, a double submit, a fan-out, a test that runs again) is none; the session
decision tells these apart before this detector is asked.
"""

from collections.abc import Sequence
from typing import ClassVar, Final

from backtalk.plugin import CallClosed, CallOpened, SessionView, Signal

_PROBABILITIES: Final = {"repeat": 0.97, "first_turn_repeat": 0.9}
"""Share of such links that are a person's regeneration, on simulated traffic with known truth."""


class Regeneration:
    """Claims that the answer beside the new call was passed over."""

    name: ClassVar[str] = "regeneration"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"

    def observe(self, fact: CallOpened | CallClosed, session: SessionView) -> Sequence[Signal]:
        """A repeat of a call that was answered shows a regeneration of that answer."""
        sibling, probability = session.sibling, _PROBABILITIES.get(session.rule)
        if not isinstance(fact, CallOpened) or sibling is None or probability is None or not sibling.was_shown:
            return ()
        evidence = {"rule": session.rule, "after_s": round((fact.opened_ns - (sibling.closed_ns or 0)) / 1e9, 3)}
        return (Signal("regeneration", sibling.key, round(probability * session.confidence, 4), evidence),)
