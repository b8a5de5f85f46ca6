"""A session decision becomes facts: the call's link, and its relation to another call.

In: a call and the decision about it. Out: `SessionLinked`, `CallRelated`. Pure.
"""

from typing import Final

import msgspec

from backtalk.clock import NS_PER_S
from backtalk.model.facts import CallOpened, CallRelated, Fact, Scalar, SessionLinked
from backtalk.model.ids import CallKey
from backtalk.session.candidates import Windows
from backtalk.session.decide import Decision
from backtalk.settings import Settings

SURE: Final = 0.6
"""Below this confidence of a link nothing is said of an answer's quality."""


def windows_of(settings: Settings) -> Windows:
    """The decision's windows as the settings have them."""
    session = settings.session
    return Windows(
        answer_ns=session.answer_ttl_s * NS_PER_S,
        repeat_ns=session.repeat_ttl_s * NS_PER_S,
        visit_ns=int(session.visit_gap_s * NS_PER_S),
    )


def marked(decision: Decision, name: str, *, value: Scalar) -> Decision:
    """The decision with one more word in its evidence."""
    return msgspec.structs.replace(decision, evidence={**decision.evidence, name: value})


def place_of(linked: SessionLinked) -> tuple[str, CallKey | None, CallKey | None]:
    """What must differ for a second link to be worth a fact."""
    return linked.session_id, linked.parent, linked.sibling


def judged(linked: SessionLinked) -> tuple[CallKey | None, ...]:
    """The calls of which something may have been said when this link was made."""
    return (linked.parent, linked.sibling) if linked.confidence >= SURE else ()


def linked_of(fact: CallOpened, decision: Decision) -> SessionLinked:
    """The call's link, as of its arrival."""
    return SessionLinked(
        trace_id=fact.trace_id,
        span_id=fact.span_id,
        session_id=decision.session_id,
        rule=decision.rule,
        confidence=decision.confidence,
        linked_ns=fact.opened_ns,
        parent=decision.link.parent if decision.link else None,
        sibling=decision.sibling.key if decision.sibling else None,
        evidence=decision.evidence,
    )


def related_of(fact: CallOpened, decision: Decision) -> list[Fact]:
    """The relation to the call beside which it was put, if the rule says one."""
    if decision.relation is None or decision.sibling is None:
        return []
    return [
        CallRelated(decision.relation, decision.sibling.key, fact.key, fact.tenant, fact.opened_ns, decision.evidence)
    ]
