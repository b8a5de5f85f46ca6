"""What a detector sees of a session: the link of the new call and the earlier calls around it."""

from collections.abc import Mapping

import msgspec

from backtalk.model.facts import LinkRule, Scalar
from backtalk.model.frames import Outcome
from backtalk.model.ids import CallKey
from backtalk.text.follow_up import FollowUp


class Turn(msgspec.Struct, frozen=True, omit_defaults=True):
    """An earlier call of the session. Texts are redacted and capped; `answer_text` is what reached the client."""

    key: CallKey
    opened_ns: int
    closed_ns: int | None = None
    status: int | None = None
    outcome: Outcome | None = None
    user_text: str = ""
    answer_text: str = ""
    finish_reason: str | None = None
    model: str | None = None
    """The model that was asked for."""

    @property
    def was_shown(self) -> bool:
        """Whether the user saw an answer: a whole one, or a part before the client left."""
        succeeded = self.status is not None and 200 <= self.status < 300  # HTTP's class of success
        return succeeded and (
            self.outcome == "completed" or (self.outcome == "client_disconnected" and bool(self.answer_text))
        )


class SessionView(msgspec.Struct, frozen=True, omit_defaults=True):
    """The session as it was when the fact under observation happened.

    `parent` is the call whose answer the new call continues; `sibling` the earlier attempt at the same place, None
    where there was none. `earlier` holds up to three turns before the new call, newest last.
    """

    session_id: str
    rule: LinkRule
    confidence: float
    parent: Turn | None = None
    sibling: Turn | None = None
    earlier: tuple[Turn, ...] = ()
    user_text: str = ""
    """The new call's last user text, capped like the turns'."""
    evidence: Mapping[str, Scalar] = {}
    follow_up: FollowUp | None = None
    """What the new text says of the parent's answer; None where the call is no next turn of a person."""
