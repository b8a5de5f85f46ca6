"""A decision becomes what detectors see: the session's view with the turns around the new call."""

from typing import Final

from backtalk.model.facts import CallOpened, LinkRule, Scalar, SessionLinked
from backtalk.model.session import SessionView, Turn
from backtalk.session.canonical import cap, typed
from backtalk.session.decide import Decision
from backtalk.session.store import Arrival, Seen
from backtalk.text.follow_up import LOOK_BACK, FollowUp, follow_up
from backtalk.text.pair_model import Embed, reformulation

_NEXT: Final[frozenset[LinkRule]] = frozenset({"next_turn", "rewritten_prefix"})


def view_of(fact: CallOpened, arrival: Arrival, decision: Decision, embed: Embed | None = None) -> SessionView:
    """The session as it was when the call arrived, with what the new text says of the texts before it."""
    parent, sibling = _turn(decision.parent), _turn(decision.sibling)
    text = arrival.history.user_text
    scores: dict[str, Scalar] = {}
    if sibling is not None and sibling.user_text and text and arrival.history.last_role == "user":
        score = reformulation(typed(sibling.user_text), typed(text), embed)
        scores = {
            "sibling_reformulation": round(score.probability, 4),
            "sibling_reformulation_by": score.provenance,
        }
    return SessionView(
        session_id=decision.session_id,
        rule=decision.rule,
        confidence=decision.confidence,
        parent=parent,
        sibling=sibling,
        earlier=(parent,) if parent is not None else (),
        user_text=text,
        evidence={**decision.evidence, **scores, "shown_text": arrival.history.shown_text},
        follow_up=_follow_up(fact, arrival, decision.rule, parent, embed),
    )


def view_again(linked: SessionLinked) -> SessionView:
    """The view of a call whose decision is known from its fact alone."""
    return SessionView(linked.session_id, linked.rule, linked.confidence, evidence=linked.evidence)


def _follow_up(
    fact: CallOpened, arrival: Arrival, rule: LinkRule, parent: Turn | None, embed: Embed | None
) -> FollowUp | None:
    text = arrival.history.user_text
    if parent is None or rule not in _NEXT or not text or arrival.history.last_role != "user" or not parent.was_shown:
        return None
    said = [message.text for message in fact.request.messages if message.role == "user"]
    before = tuple(cap(earlier) for earlier in said[-2 - LOOK_BACK : -2])
    return follow_up(typed(parent.user_text), parent.answer_text, typed(text), before, embed)


def _turn(seen: Seen | None) -> Turn | None:
    if seen is None:
        return None
    end = seen.ended
    return Turn(
        key=seen.key,
        opened_ns=seen.known.opened_ns,
        closed_ns=end.closed_ns if end else None,
        status=end.status if end else None,
        outcome=end.outcome if end else None,
        user_text=seen.known.user_text,
        answer_text=end.answer_text if end else "",
        finish_reason=end.finish_reason if end else None,
        model=seen.known.model,
    )
