"""Calls that the exporter has seen lately, so that feedback named by another key finds its call.

In: closed calls and the targets of feedback. Out: the one call that is meant, or None where it is unknown or several
fit. Bounded: the oldest calls are forgotten, and their feedback goes out without a link.
"""

from collections import OrderedDict
from typing import Final

from backtalk.model.facts import CallClosed, FeedbackGiven
from backtalk.model.ids import CallKey

LIMIT: Final = 20_000
"""Calls that are remembered."""
_PER_KEY: Final = 8

Key = tuple[str, ...]


class CallIndex:
    """Remembers calls by response id, by trace, and by the span that the app had sent; never across tenants."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._calls: OrderedDict[CallKey, tuple[Key, ...]] = OrderedDict()
        self._by_key: dict[Key, list[CallKey]] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, call: CallClosed) -> None:
        """Remember a call; a repeat changes nothing."""
        if call.key in self._calls:
            return
        keys = _keys_of(call)
        self._calls[call.key] = keys
        for key in keys:
            self._by_key.setdefault(key, []).append(call.key)
        while len(self._calls) > self._limit:
            self._forget(*self._calls.popitem(last=False))

    def target_of(self, feedback: FeedbackGiven) -> CallKey | None:
        """The call that a feedback is about."""
        trace_id, span_id = feedback.target_trace_id, feedback.target_span_id
        if trace_id is not None and span_id is not None:
            return CallKey(trace_id, span_id)
        if feedback.target_response_id is not None:
            return self._only(("response", feedback.tenant, feedback.target_response_id))
        if trace_id is None:
            return None
        if (parent := feedback.target_parent_span_id) is not None:
            own = CallKey(trace_id, parent)
            return own if own in self._calls else self._only(("parent", feedback.tenant, trace_id, parent))
        return self._only(("trace", feedback.tenant, trace_id))

    def _only(self, key: Key) -> CallKey | None:
        found = self._by_key.get(key, ())
        return found[0] if len(found) == 1 else None

    def _forget(self, call: CallKey, keys: tuple[Key, ...]) -> None:
        for key in keys:
            left = [other for other in self._by_key[key] if other != call][-_PER_KEY:]
            if left:
                self._by_key[key] = left
            else:
                del self._by_key[key]


def _keys_of(call: CallClosed) -> tuple[Key, ...]:
    opened = call.opened
    keys: list[Key] = [("trace", opened.tenant, opened.trace_id)]
    if opened.parent_span_id:
        keys.append(("parent", opened.tenant, opened.trace_id, opened.parent_span_id))
    if call.response.id:
        keys.append(("response", opened.tenant, call.response.id))
    return tuple(keys)
