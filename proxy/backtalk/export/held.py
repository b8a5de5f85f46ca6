"""Calls that were left out, or whose words were, until something is said of them or their time is over.

In: calls, in order. Out: a call, once, when a signal or a feedback names it or its session. The one rule: memory is
bounded in bytes; calls are kept encoded, the oldest go first, and what goes unsaid is counted.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from backtalk.clock import NS_PER_S
from backtalk.model.facts import CallClosed
from backtalk.model.ids import CallKey
from backtalk.settings import TelemetrySettings

_OVERHEAD_BYTES: Final = 600
"""About what the tables themselves take for a call."""
_encode: Final = msgspec.msgpack.Encoder().encode
_decoder: Final[msgspec.msgpack.Decoder[CallClosed]] = msgspec.msgpack.Decoder(CallClosed)

OnGone = Callable[[str], object]
"""Hears why a call is not held any more: `time`, `room` or `erased`."""


class Held(NamedTuple):
    """A call that waits; `told` where its spans were sent and only its words are missing."""

    call: CallClosed
    told: bool


class _Entry(NamedTuple):
    payload: bytes
    tenant: str
    told: bool
    closed_ns: int
    sessions: frozenset[tuple[str, str]]

    @property
    def size_bytes(self) -> int:
        return len(self.payload) + _OVERHEAD_BYTES


class HeldCalls:
    """Holds calls for one exporter."""

    def __init__(self, settings: TelemetrySettings, on_gone: OnGone = len) -> None:
        self._limit_bytes = settings.held_bytes
        self._held_ns = int(settings.held_s * NS_PER_S)
        self._on_gone = on_gone
        self._entries: OrderedDict[CallKey, _Entry] = OrderedDict()
        self._by_session: dict[tuple[str, str], list[CallKey]] = {}
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, call: CallClosed, *, told: bool) -> None:
        """Hold a call; those whose time is over by the time of this one are let go."""
        if call.key in self._entries:
            return
        entry = _Entry(_encode(call), call.opened.tenant, told, call.closed_ns, _sessions_of(call))
        self._entries[call.key] = entry
        self.size_bytes += entry.size_bytes
        for session in entry.sessions:
            self._by_session.setdefault(session, []).append(call.key)
        self._let_go(call.closed_ns)

    def take(self, tenant: str, key: CallKey) -> Held | None:
        """The tenant's call that is meant, which is not held any more; None where it is not here."""
        known = self._entries.get(key)
        if known is None or known.tenant != tenant:
            return None
        self._remove(key)
        return Held(_decoder.decode(known.payload), known.told)

    def take_session(self, tenant: str, session_id: str) -> list[Held]:
        """All calls of a session, by our name of it or the app's."""
        keys = list(self._by_session.get((tenant, session_id), ()))
        return [held for key in keys if (held := self.take(tenant, key)) is not None]

    def forget(self, tenant: str | None) -> None:
        """Let go of all that a tenant has here, of everything for None: some of it is to be erased."""
        for key in [key for key, entry in self._entries.items() if tenant in (None, entry.tenant)]:
            self._remove(key)
            self._on_gone("erased")

    def _let_go(self, now_ns: int) -> None:
        while self._entries:
            key, oldest = next(iter(self._entries.items()))
            late = now_ns - oldest.closed_ns > self._held_ns
            if not late and self.size_bytes <= self._limit_bytes:
                return
            self._remove(key)
            self._on_gone("time" if late else "room")

    def _remove(self, key: CallKey) -> None:
        entry = self._entries.pop(key)
        self.size_bytes -= entry.size_bytes
        for session in entry.sessions:
            self._by_session[session].remove(key)
            if not self._by_session[session]:
                del self._by_session[session]


def _sessions_of(call: CallClosed) -> frozenset[tuple[str, str]]:
    names = (call.session_id, call.opened.request.declared_session)
    return frozenset((call.opened.tenant, name) for name in names if name)
