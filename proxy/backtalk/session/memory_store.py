"""The session store in memory: for replays of old facts and for tests. Bounded; its clock is the facts' own.

In and out: the port in `store`. The one rule: it answers as Redis would, so the same suite runs on both.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec

from backtalk.model.ids import SpanId
from backtalk.session import keys
from backtalk.session.slots import PRODUCER_CAP, Lifetimes, slots
from backtalk.session.store import Arrival, Completion, Ended, Evidence, Known, Link, Seen, ended, known

ENTRIES: Final = 1_000_000
"""Most keys kept; the ones touched longest ago leave first."""
_NS: Final = 1_000_000_000


class _Call(msgspec.Struct):
    """One call's entry, filled as its events come."""

    known: Known | None = None
    link: Link | None = None
    ended: Ended | None = None
    continued_ns: int | None = None


class MemorySessionStore:
    """Keeps lists and calls in two ordered maps; what is older than its lifetime is gone."""

    def __init__(self, lifetimes: Lifetimes | None = None, *, entries: int = ENTRIES) -> None:
        self._lifetimes = lifetimes or Lifetimes()
        self._entries = entries
        self._lists: OrderedDict[bytes, tuple[int, list[SpanId]]] = OrderedDict()
        self._calls: OrderedDict[bytes, tuple[int, _Call]] = OrderedDict()
        self._now_ns = 0

    def arrive(self, arrival: Arrival) -> Evidence:
        """Read the lists, join them, and leave the call."""
        self._now_ns = max(self._now_ns, arrival.opened_ns)
        scope, span_id = arrival.history.scope, arrival.call.span_id
        found: dict[str, tuple[Seen, ...]] = {}
        for slot in slots(arrival, self._lifetimes):
            spans = self._spans(slot.key)
            if slot.reads:
                seen = (self._seen(scope, span) for span in spans if span != span_id)
                found[slot.field] = tuple(call for call in seen if call is not None)
            if slot.joins and span_id not in spans:
                spans = [*spans, span_id][-slot.cap :]
            if spans:
                self._keep(slot.key, spans, slot.ttl_s)
        entry = self._call(scope, span_id)
        if entry.known is None:
            entry.known = known(arrival)
        return Evidence(**cast("dict[str, Any]", found))

    def arrive_all(self, arrivals: Sequence[Arrival]) -> list[Evidence]:
        """One after the other."""
        return [self.arrive(arrival) for arrival in arrivals]

    def link(self, arrival: Arrival, link: Link) -> None:
        """Leave the link, and mark the parent as continued."""
        scope = arrival.history.scope
        self._call(scope, arrival.call.span_id).link = link
        if link.parent is not None:
            parent = self._call(scope, link.parent.span_id)
            parent.continued_ns = parent.continued_ns or arrival.opened_ns

    def complete(self, completion: Completion) -> None:
        """Leave the end, and the keys under which the answer can be continued."""
        self._now_ns = max(self._now_ns, completion.closed_ns)
        span_id = completion.call.span_id
        self._call(completion.scope, span_id).ended = ended(completion)
        tagged = [(keys.FRONTIER, digest) for digest in completion.frontiers]
        tagged += [(keys.ANSWER, digest) for digest in completion.answers]
        for tag, digest in tagged:
            key = keys.scoped(tag, completion.scope, digest)
            spans = [span for span in self._spans(key) if span != span_id]
            self._keep(key, [*spans, span_id][-PRODUCER_CAP:], self._lifetimes.answer_s)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is held."""

    def _spans(self, key: bytes) -> list[SpanId]:
        expires_ns, spans = self._lists.get(key, (0, []))
        return spans if expires_ns > self._now_ns else []

    def _keep(self, key: bytes, spans: list[SpanId], ttl_s: int) -> None:
        self._lists[key] = (self._now_ns + ttl_s * _NS, spans)
        self._lists.move_to_end(key)
        while len(self._lists) > self._entries:
            self._lists.popitem(last=False)

    def _call(self, scope: bytes, span_id: SpanId) -> _Call:
        key = keys.call(scope, span_id)
        _, entry = self._calls.get(key, (0, _Call()))
        self._calls[key] = (self._now_ns + self._lifetimes.answer_s * _NS, entry)
        self._calls.move_to_end(key)
        while len(self._calls) > self._entries:
            self._calls.popitem(last=False)
        return entry

    def _seen(self, scope: bytes, span_id: SpanId) -> Seen | None:
        key = keys.call(scope, span_id)
        expires_ns, entry = self._calls.get(key, (0, _Call()))
        if entry.known is None or expires_ns <= self._now_ns:
            return None
        entry = self._call(scope, span_id)
        return Seen(entry.known, entry.link, entry.ended, entry.continued_ns) if entry.known else None
