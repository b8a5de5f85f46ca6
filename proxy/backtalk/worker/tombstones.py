"""Which facts are of somebody whose texts were erased, and what is left of them: what comes late is erased on arrival.

In: orders of erasure, and facts. Out: the same facts, without texts where an order covers them. The one rule: ids,
numbers and words of ours stay; whatever a person wrote or was answered goes.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from backtalk.ledger.erasing import is_number
from backtalk.model.chat import Request
from backtalk.model.erased import ErasedBy
from backtalk.model.facts import (
    CallClosed,
    CallOpened,
    CallRelated,
    Fact,
    FeedbackGiven,
    Scalar,
    SessionLinked,
    SignalFound,
)
from backtalk.spool.erasures import Order, hash_of

_MOST_LATE: Final = 100_000


class _Stone(NamedTuple):
    erased_ns: int
    tenants: frozenset[str]
    """Whom it is about; empty for everybody."""

    def covers(self, tenant: str | None) -> bool:
        return not self.tenants or tenant is None or tenant in self.tenants


class Tombstones:
    """All orders; used by one thread. `late` are calls that came behind an order and may have left texts in Redis."""

    def __init__(self, secret: bytes, orders: Iterable[Order]) -> None:
        self._secret = secret
        self._stones: dict[tuple[str, str], _Stone] = {}
        self.late: set[str] = set()
        for order in orders:
            self.add(order)

    def add(self, order: Order) -> None:
        """Cover what an order names, and the calls that are known to be meant."""
        own = frozenset(() if order.tenant is None else (order.tenant,))
        self._stones[order.by, order.subject_hash] = _Stone(order.asked_ns, own)
        placed = _Stone(order.asked_ns, frozenset(order.tenants))
        names = {"span": order.span_ids, "trace_of": order.trace_ids, "response": order.response_ids}
        for what, ids in {**names, "session_of": order.session_ids, "rater_of": order.raters}.items():
            for name in ids:
                self._stones[what, name] = self._widened(what, name, placed)

    def _widened(self, what: str, name: str, stone: _Stone) -> _Stone:
        """The stone of a name that an order before may cover for others too: clients choose trace ids."""
        before = self._stones.get((what, name))
        if before is None:
            return stone
        everybody = not before.tenants or not stone.tenants
        return stone._replace(tenants=frozenset() if everybody else before.tenants | stone.tenants)

    def arrival(self, call: CallOpened) -> CallOpened:
        """A call that has arrived, before anybody compares its texts."""
        return call if self._of_call(call, None) is None else _blank_call(call)

    def end(self, call: CallClosed) -> CallClosed:
        """A call that has ended, before anybody compares its texts."""
        return self._closed(call)

    def facts(self, facts: Iterable[Fact]) -> list[Fact]:
        """What may be written down of facts."""
        return [self._fact(fact) for fact in facts] if self._stones else list(facts)

    def _fact(self, fact: Fact) -> Fact:
        if isinstance(fact, CallOpened):
            return self.arrival(fact)
        if isinstance(fact, CallClosed):
            return self._closed(fact)
        if isinstance(fact, FeedbackGiven):
            stone = self._of_feedback(fact)
            return fact if stone is None else _blank_feedback(fact, stone.erased_ns)
        if isinstance(fact, SessionLinked):
            return self._linked(fact)
        if isinstance(fact, SignalFound | CallRelated):
            covered = self._knows("span", fact.about.span_id) or self._knows("span", fact.shown_by.span_id)
            return msgspec.structs.replace(fact, evidence=_numbers(fact.evidence)) if covered else fact
        return fact

    def _closed(self, call: CallClosed) -> CallClosed:
        stone = self._of_call(call.opened, call.session_id)
        return call if stone is None else _blank_end(call, stone.erased_ns)

    def _linked(self, fact: SessionLinked) -> SessionLinked:
        """A call that continues an erased session is erased itself from here on."""
        stone = self._session(fact.session_id, None)
        if stone is not None:
            self._remember(fact.span_id, stone)
        if not self._knows("span", fact.span_id):
            return fact
        return msgspec.structs.replace(fact, evidence=_numbers(fact.evidence))

    def _of_call(self, call: CallOpened, session_id: str | None) -> _Stone | None:
        if not self._stones:
            return None
        request, stone = call.request, self._stones.get(("span", call.span_id))
        stone = stone or self._find("trace", call.trace_id, call.tenant)
        stone = stone or (self._find("user", request.user, call.tenant) if request.user else None)
        for name in (request.declared_session, session_id):
            stone = stone or (self._session(name, call.tenant) if name else None)
        if stone is not None:
            self._remember(call.span_id, stone)
        return stone

    def _of_feedback(self, fact: FeedbackGiven) -> _Stone | None:
        trace_id, response_id, session_id = fact.target_trace_id, fact.target_response_id, fact.target_session_id
        stone = self._placed("trace_of", trace_id, fact.tenant) or self._placed("response", response_id, fact.tenant)
        stone = stone or (self._find("trace", trace_id, fact.tenant) if trace_id else None)
        stone = stone or (self._session(session_id, fact.tenant) if session_id else None)
        stone = stone or self._placed("rater_of", fact.rater, None)
        for by in ("rater", "user"):
            stone = stone or (self._find(by, fact.rater, fact.tenant) if fact.rater else None)
        return stone

    def _session(self, name: str, tenant: str | None) -> _Stone | None:
        return self._placed("session_of", name, tenant) or self._find("session", name, tenant)

    def _placed(self, what: str, name: str | None, tenant: str | None) -> _Stone | None:
        stone = self._stones.get((what, name or ""))
        return stone if stone is not None and stone.covers(tenant) else None

    def _find(self, by: ErasedBy, subject: str, tenant: str | None) -> _Stone | None:
        stone = self._stones.get((by, hash_of(self._secret, by, subject)))
        return stone if stone is not None and stone.covers(tenant) else None

    def _knows(self, what: str, name: str) -> bool:
        return (what, name) in self._stones

    def _remember(self, span_id: str, stone: _Stone) -> None:
        if ("span", span_id) not in self._stones and len(self.late) < _MOST_LATE:
            self._stones["span", span_id] = stone
            self.late.add(span_id)


def _blank_call(call: CallOpened) -> CallOpened:
    asked = call.request
    request = Request(model=asked.model, stream=asked.stream, choice_count=asked.choice_count)
    return msgspec.structs.replace(call, request=request, client_hash="", user_agent="")


def _blank_end(call: CallClosed, erased_ns: int) -> CallClosed:
    response = msgspec.structs.replace(call.response, choices=(), error_message=None, not_understood=None, logprobs=())
    attempts = tuple(msgspec.structs.replace(attempt, error=None) for attempt in call.attempts)
    return msgspec.structs.replace(
        call, opened=_blank_call(call.opened), response=response, attempts=attempts, error=None, erased_ns=erased_ns
    )


def _blank_feedback(fact: FeedbackGiven, erased_ns: int) -> FeedbackGiven:
    kept = fact.kind == "event" or is_number(fact.value_json)
    value_json = fact.value_json if kept else "null"
    return msgspec.structs.replace(fact, value_json=value_json, comment=None, rater=None, erased_ns=erased_ns)


def _numbers(evidence: Mapping[str, Scalar]) -> dict[str, Any]:
    """What evidence says without words."""
    return {name: value for name, value in evidence.items() if not isinstance(value, str)}
