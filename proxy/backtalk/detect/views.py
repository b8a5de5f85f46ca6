"""A decision becomes what detectors see: the session's view with the turns around the new call."""

from backtalk.model.facts import Scalar, SessionLinked
from backtalk.model.session import SessionView, Turn
from backtalk.session.canonical import typed
from backtalk.session.decide import Decision
from backtalk.session.store import Arrival, Seen
from backtalk.text.pair_model import reformulation


def view_of(arrival: Arrival, decision: Decision) -> SessionView:
    """The session as it was when the call arrived; `evidence` also says how alike the new text and the earlier are."""
    parent, sibling = _turn(decision.parent), _turn(decision.sibling)
    text = arrival.history.user_text
    scores: dict[str, Scalar] = {}
    for name, turn in (("sibling", sibling), ("parent", parent)):
        if turn is not None and turn.user_text and text and arrival.history.last_role == "user":
            scores[f"{name}_reformulation"] = round(reformulation(typed(turn.user_text), typed(text)).probability, 4)
    return SessionView(
        session_id=decision.session_id,
        rule=decision.rule,
        confidence=decision.confidence,
        parent=parent,
        sibling=sibling,
        earlier=(parent,) if parent is not None else (),
        user_text=text,
        evidence={**decision.evidence, **scores, "shown_text": arrival.history.shown_text},
    )


def view_again(linked: SessionLinked) -> SessionView:
    """The view of a call whose decision is known from its fact alone."""
    return SessionView(linked.session_id, linked.rule, linked.confidence, evidence=linked.evidence)


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
    )
