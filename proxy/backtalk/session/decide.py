"""The session decision: a pure function from an arrival and what the store knows to the call's place.

In: `Arrival`, `Evidence`, and the instant up to which answers count. Out: `Decision`. The one rule: only calls strictly
earlier than this one, by (arrival time, id), are evidence, and windows are compared in the time of facts, so that the
same call decided again, after a kill or in a replay, gets the same place.

The rules in the order they are tried:
  side calls    a title or tags for a first turn just answered: `auxiliary`, in a session of its own
  repeats       the same request again: `automatic_retry`, `duplicate`, `repeat`, and `first_turn_repeat`
  continuation  its last answer was given: `next_turn`, `tool_step`, `rewritten_prefix`; or, where that answer has been
                continued already, a `branch` beside the earlier attempt
  edited        what stands before the last answer was asked, and answered otherwise: `assistant_edited`
  first turns   like one of a moment ago: `first_turn_repeat`, `first_turn_edit`
  otherwise     `new`; `explicit_session` where the app named one; `no_state` where the store is away
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from backtalk.model.facts import LinkRule, RelationKind, Scalar
from backtalk.session.candidates import Windows, answered, visible
from backtalk.session.canonical import Hasher
from backtalk.session.continuation import continuation, edited
from backtalk.session.first_turn import auxiliary, first_turn
from backtalk.session.place import Place
from backtalk.session.repeats import repeat
from backtalk.session.store import Arrival, Evidence, Link, Seen

NEW_CONFIDENCE: Final = 0.9
UNRESOLVED_CONFIDENCE: Final = 0.3
_NS: Final = 1_000_000_000
_LISTS: Final = (
    "producers",
    "lookalikes",
    "repeats",
    "edited",
    "siblings",
    "cousins",
    "older",
    "asked",
    "recent",
    "recent_any",
)


class Decision(msgspec.Struct, frozen=True):
    """Where a call was put. `resolved` is False where its history is not known (yet)."""

    session_id: str
    rule: LinkRule
    confidence: float
    parent: Seen | None = None
    sibling: Seen | None = None
    link: Link | None = None
    relation: RelationKind | None = None
    evidence: Mapping[str, Scalar] = {}
    resolved: bool = True


def decide(arrival: Arrival, evidence: Evidence, hasher: Hasher, windows: Windows, as_of_ns: int) -> Decision:
    """Put a call into its session; answers that came after `as_of_ns` do not count."""
    if not evidence.available:
        session_id = _own_session(arrival, hasher)
        return Decision(session_id, "no_state", 0.0, link=Link(session_id))
    earlier = _earlier(arrival, evidence, windows, as_of_ns)
    place = (
        auxiliary(arrival, earlier, windows)
        or repeat(arrival, earlier, windows)
        or continuation(arrival, earlier, windows)
        or edited(arrival, earlier)
        or first_turn(arrival, earlier, windows)
        or _new(arrival)
    )
    return _settle(arrival, place, hasher, windows)


def _earlier(arrival: Arrival, evidence: Evidence, windows: Windows, as_of_ns: int) -> Evidence:
    lists = {name: visible(getattr(evidence, name), arrival, windows.answer_ns, as_of_ns) for name in _LISTS}
    return msgspec.structs.replace(evidence, **lists)


def _new(arrival: Arrival) -> Place:
    known_history = arrival.history.frontier is None
    return Place("new", NEW_CONFIDENCE if known_history else UNRESOLVED_CONFIDENCE, resolved=known_history)


def _settle(arrival: Arrival, place: Place, hasher: Hasher, windows: Windows) -> Decision:
    """Name the session: the app's own name first, then that of the calls found, else a new one."""
    near = place.sibling if place.joins_sibling else None
    relative = near or place.parent
    if arrival.declared is not None or relative is None:
        session_id = _own_session(arrival, hasher)
    else:
        session_id = _session_of(relative, hasher)
    parent_key = place.parent.key if place.parent else (near.link.parent if near and near.link else None)
    named = arrival.declared is not None and place.rule == "new"
    return Decision(
        session_id=session_id,
        rule="explicit_session" if named else place.rule,
        confidence=1.0 if named else place.confidence,
        parent=place.parent,
        sibling=place.sibling,
        link=Link(session_id, parent_key),
        relation=place.relation,
        evidence={**place.evidence, **_gap(arrival, place, windows)},
        resolved=place.resolved,
    )


def _own_session(arrival: Arrival, hasher: Hasher) -> str:
    if arrival.declared is not None:
        return hasher.name("declared", arrival.history.scope.hex(), arrival.declared)
    return hasher.name("session", *arrival.call)


def _session_of(seen: Seen, hasher: Hasher) -> str:
    return seen.link.session_id if seen.link else hasher.name("session", *seen.key)


def _gap(arrival: Arrival, place: Place, windows: Windows) -> dict[str, Scalar]:
    """How long the user was away; beyond a limit it is a new visit to the same session."""
    if place.parent is None or place.parent.ended is None or not answered(place.parent):
        return {}
    gap_ns = max(arrival.opened_ns - place.parent.ended.closed_ns, 0)
    visit: dict[str, Scalar] = {"new_visit": True} if gap_ns > windows.visit_ns else {}
    return {"gap_s": round(gap_ns / _NS, 3), **visit}
