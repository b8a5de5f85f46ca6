"""Calls that an exporter has seen lately, so that feedback named by another key finds its call.

In: closed calls and the targets of feedback. Out: the one call that is meant, or None where it is unknown or several
fit. Bounded: the oldest calls are forgotten, and their feedback goes out without a link.
"""

from collections import OrderedDict
from typing import Final, NamedTuple

import msgspec

from backtalk.model.facts import CallClosed, FeedbackGiven
from backtalk.model.ids import CallKey
from backtalk.plugin.verdicts import Verdict

LIMIT: Final = 20_000
"""Calls that are remembered."""
_PER_KEY: Final = 8
_TEXT_LIMIT: Final = 256

Key = tuple[str, ...]


class _Known(NamedTuple):
    tenant: str
    keys: tuple[Key, ...]
    ended_ns: int
    described: tuple[tuple[str, str], ...]


class CallIndex:
    """Remembers calls by response id, by trace, and by the span that the app had sent; never across tenants."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._calls: OrderedDict[CallKey, _Known] = OrderedDict()
        self._by_key: dict[Key, list[CallKey]] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, call: CallClosed) -> None:
        """Remember a call; a repeat changes nothing."""
        if call.key in self._calls:
            return
        keys = _keys_of(call)
        ended_ns = call.opened.opened_ns + max(0, call.duration_ns)
        self._calls[call.key] = _Known(call.opened.tenant, keys, ended_ns, _described(call))
        for key in keys:
            self._by_key.setdefault(key, []).append(call.key)
        while len(self._calls) > self._limit:
            forgotten, known = self._calls.popitem(last=False)
            self._forget(forgotten, known.keys)

    def ended_ns(self, call: CallKey) -> int | None:
        """When a call's spans ended; None where the call is not known."""
        known = self._calls.get(call)
        return None if known is None else known.ended_ns

    def described(self, verdict: Verdict) -> Verdict:
        """With model and prompt of its call, so that backends can count by them without a join."""
        known = self._calls.get(verdict.target) if verdict.target is not None else None
        if known is None or not known.described:
            return verdict
        return msgspec.structs.replace(verdict, details=verdict.details + known.described)

    def target_of(self, feedback: FeedbackGiven) -> CallKey | None:
        """The call that a feedback is about; never one that is known to be another tenant's."""
        tenant, trace_id, span_id = feedback.tenant, feedback.target_trace_id, feedback.target_span_id
        if trace_id is not None and span_id is not None:
            return self._own(tenant, CallKey(trace_id, span_id))
        if feedback.target_response_id is not None:
            return self._only(("response", tenant, feedback.target_response_id))
        if trace_id is None:
            return None
        if (parent := feedback.target_parent_span_id) is not None:
            own = CallKey(trace_id, parent)
            return self._own(tenant, own) if own in self._calls else self._only(("parent", tenant, trace_id, parent))
        return self._only(("trace", tenant, trace_id))

    def _own(self, tenant: str, call: CallKey) -> CallKey | None:
        """A call that was named whole; one that is known to be another tenant's is not meant."""
        known = self._calls.get(call)
        return call if known is None or known.tenant == tenant else None

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


def _described(call: CallClosed) -> tuple[tuple[str, str], ...]:
    request = call.opened.request
    told = {
        "backtalk.target.model": request.model,
        "backtalk.target.prompt.name": request.prompt_name,
        "backtalk.target.prompt.version": request.prompt_version,
    }
    return tuple((name, value[:_TEXT_LIMIT]) for name, value in told.items() if value)
