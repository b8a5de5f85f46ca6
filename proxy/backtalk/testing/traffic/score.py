"""Scores what was decided about recorded traffic against the truth: sessions, parents, and each kind of event.

In: facts and truths. Out: a `Score`. B-cubed asks of each call how many of its session's calls belong there, and how
many that belong there are in it. A call's parent is the call it continues, or the earlier attempt it repeats.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from backtalk.model.facts import CallRelated, Fact, SessionLinked, SignalFound
from backtalk.model.ids import SpanId
from backtalk.testing.traffic.records import Record, Truth

_TRUE_EVENTS: Final = {
    "edit_resubmit_reformulation": "edit_reformulation",
    "edit_resubmit_other": "edit_other",
    "fanout_identical": "duplicate",
    "eval_rerun": "duplicate",
    "auxiliary_call": "new_conversation",
}
_CONTINUED: Final = frozenset({"next_turn", "tool_step", "rewritten_prefix", "assistant_edited"})
EVENTS: Final = (
    "next_turn",
    "tool_step",
    "automatic_retry",
    "regeneration",
    "duplicate",
    "new_conversation",
    "edit_reformulation",
    "edit_other",
    "assistant_edit",
    "stop",
)


class Rates(NamedTuple):
    """Precision and recall over so many true cases."""

    precision: float
    recall: float
    cases: int

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


class Score(NamedTuple):
    """How well the traffic was understood."""

    sessions: Rates
    parent_accuracy: float
    events: Mapping[str, Rates]
    by_tenant: Mapping[str, Rates]
    wrong: Mapping[str, tuple[str, str]]
    """Record name -> (true event, decided event), where they differ or the parent is another one."""


class _Decided(NamedTuple):
    session: str
    event: str
    parent: str | None


def score(records: list[Record], truths: Mapping[str, Truth], facts: Iterable[Fact]) -> Score:
    """Compare."""
    names = {record.span_id: record.name for record in records}
    facts = list(facts)
    decided = _decisions(records, facts, names)
    true_events = _true_events(records, truths)
    events = {event: _rates(true_events, decided, event) for event in EVENTS[:-2]}
    events["assistant_edit"] = _claims(facts, names, "assistant_edit", _edited(truths))
    events["stop"] = _claims(facts, names, "stop", {name for name, truth in truths.items() if truth.stopped})
    with_parent = [name for name, truth in truths.items() if truth.parent is not None]
    right = sum(decided[name].parent == truths[name].parent for name in with_parent)
    tenants = sorted({record.tenant for record in records})
    return Score(
        sessions=_b_cubed(list(truths), truths, decided),
        parent_accuracy=right / max(len(with_parent), 1),
        events=events,
        by_tenant={
            tenant: _b_cubed([record.name for record in records if record.tenant == tenant], truths, decided)
            for tenant in tenants
        },
        wrong={
            name: (true_events[name], decided[name].event)
            for name in truths
            if true_events[name] != decided[name].event
            or (truths[name].parent is not None and decided[name].parent != truths[name].parent)
        },
    )


def _decisions(records: list[Record], facts: list[Fact], names: Mapping[SpanId, str]) -> dict[str, _Decided]:
    links = {fact.span_id: fact for fact in facts if isinstance(fact, SessionLinked)}
    related = {fact.shown_by.span_id: fact.kind for fact in facts if isinstance(fact, CallRelated)}
    shown = defaultdict[str, set[str]](set)
    for fact in facts:
        if isinstance(fact, SignalFound):
            shown[fact.shown_by.span_id].add(fact.kind)
    decided: dict[str, _Decided] = {}
    for record in records:
        link = links[record.span_id]
        event = related.get(record.span_id) or _event(link, shown[record.span_id], record)
        near = link.parent if link.rule in _CONTINUED else link.sibling
        parent = names.get(near.span_id) if near else None
        decided[record.name] = _Decided(link.session_id, event, parent)
    return decided


def _event(link: SessionLinked, shown: set[str], record: Record) -> str:
    if "regeneration" in shown:
        return "regeneration"
    if link.rule in {"branch", "first_turn_edit"}:
        return "edit_reformulation" if "reformulation" in shown else "edit_other"
    if link.rule in _CONTINUED:
        return "tool_step" if record.body["messages"][-1]["role"] == "tool" else "next_turn"
    return "repeat" if link.rule in {"repeat", "first_turn_repeat"} else "new_conversation"


def _true_events(records: list[Record], truths: Mapping[str, Truth]) -> dict[str, str]:
    """A health check is a duplicate from its second time on."""
    seen: set[tuple[str, str]] = set()
    events: dict[str, str] = {}
    for record in records:
        event = truths[record.name].event
        if event == "health_check":
            what = (record.tenant, str(record.body["messages"]))
            event = "duplicate" if what in seen else "new_conversation"
            seen.add(what)
        events[record.name] = _TRUE_EVENTS.get(event, event)
    return events


def _edited(truths: Mapping[str, Truth]) -> set[str]:
    """The answers that were edited and then sent back: one that never came back cannot be noticed."""
    continued = {truth.parent for truth in truths.values() if truth.event in {"next_turn", "tool_step"}}
    return {name for name, truth in truths.items() if truth.assistant_edited and name in continued}


def _rates(true: Mapping[str, str], decided: Mapping[str, _Decided], event: str) -> Rates:
    hits = sum(event == true[name] == decided[name].event for name in true)
    claimed = sum(decision.event == event for decision in decided.values())
    count = sum(value == event for value in true.values())
    return Rates(hits / max(claimed, 1), hits / max(count, 1), count)


def _claims(facts: Iterable[Fact], names: Mapping[SpanId, str], kind: str, true: set[str]) -> Rates:
    about = {names[fact.about.span_id] for fact in facts if isinstance(fact, SignalFound) and fact.kind == kind}
    return Rates(len(about & true) / max(len(about), 1), len(about & true) / max(len(true), 1), len(true))


def _b_cubed(names: list[str], truths: Mapping[str, Truth], decided: Mapping[str, _Decided]) -> Rates:
    true = Counter(truths[name].session for name in names)
    found = Counter(decided[name].session for name in names)
    both = Counter((truths[name].session, decided[name].session) for name in names)
    shares = [(truths[name].session, decided[name].session) for name in names]
    precision = sum(both[pair] / found[pair[1]] for pair in shares) / len(names)
    recall = sum(both[pair] / true[pair[0]] for pair in shares) / len(names)
    return Rates(precision, recall, len(true))
