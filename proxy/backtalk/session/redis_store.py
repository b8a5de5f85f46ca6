"""The session store on Redis: one script per arrival, one round trip for it and all that waits before it.

In and out: the port in `store`. Links and ends wait for the next arrival, or for `flush`: they come before it in the
same round trip, so it sees them. The one rule: Redis being down, slow, full or wiped costs links, never time: a call
waits at most two timeouts, then a breaker leaves the server alone for a growing pause and evidence is not `available`.
"""

import hashlib
import logging
from collections import deque
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final, cast

import msgspec
from redis.exceptions import NoScriptError, RedisError

from backtalk.clock import NS_PER_MS, monotonic_ns
from backtalk.model.meter import Meter
from backtalk.session import keys
from backtalk.session.breaker import Breaker
from backtalk.session.scripts import ARRIVE, COMPLETE, LINK, REMEMBER
from backtalk.session.slots import PRODUCER_CAP, Lifetimes, Slot, slots
from backtalk.session.store import Arrival, Completion, Ended, Evidence, Known, Link, Seen, ended, known
from backtalk.session.store_connection import Packed, StoreConnection, Word, command, pack

_log = logging.getLogger(__name__)
WAITING: Final = 4_096
"""Most links and ends that wait for the next round trip; beyond it the oldest are dropped, counted."""
_SHA1: Final = {
    script: hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
    for script in (ARRIVE, LINK, COMPLETE, REMEMBER)
}
"""By which name a server that has a script runs it."""
_Reply = tuple[list[bytes], list[list[bytes | None]], int]
"""What an arrival is told: the members of its lists, what is known of them, and how many left a full list."""
_AWAY: Final = Evidence(available=False)

_encode: Final = msgspec.msgpack.Encoder().encode
_known: Final = msgspec.msgpack.Decoder(Known).decode
_link: Final = msgspec.msgpack.Decoder(Link).decode
_ended: Final = msgspec.msgpack.Decoder(Ended).decode


class RedisSessionStore:
    """Session state in a Redis that several workers may share."""

    def __init__(
        self, url: str, *, secret: bytes, metrics: Meter, timeout_ms: float = 250.0, lifetimes: Lifetimes | None = None
    ) -> None:
        self._connection = StoreConnection(url, timeout_ms)
        self._secret = secret
        self._metrics = metrics
        self._lifetimes = lifetimes or Lifetimes()
        self._breaker = Breaker()
        self._waiting: deque[list[Packed]] = deque(maxlen=WAITING)

    def arrive(self, arrival: Arrival) -> Evidence:
        """Run the arrival script, after what waits, in one round trip."""
        return self.arrive_all([arrival])[0]

    def arrive_all(self, arrivals: Sequence[Arrival]) -> list[Evidence]:
        """Run the arrival script for each, in this order, in one round trip."""
        lists = [slots(arrival, self._lifetimes) for arrival in arrivals]
        commands = [self._arrival(arrival, found) for arrival, found in zip(arrivals, lists, strict=True)]
        replies = self._send(commands)
        if replies is None:
            return [_AWAY] * len(arrivals)
        own = cast("list[_Reply]", replies[len(replies) - len(arrivals) :])
        self._count_trimmed(sum(reply[2] for reply in own))
        return [_evidence(*found) for found in zip(arrivals, lists, own, strict=True)]

    def link(self, arrival: Arrival, link: Link) -> None:
        """Let the link wait."""
        scope = arrival.history.scope
        names = [keys.call(scope, arrival.call.span_id)]
        if link.parent is not None:
            names.append(keys.call(scope, link.parent.span_id))
        self._wait([_script(LINK, names, _encode(link), self._lifetimes.answer_s, arrival.opened_ns)])

    def complete(self, completion: Completion) -> None:
        """Let the end wait, with the keys under which it can be continued and feedback's look-ups."""
        ttl_s, call = self._lifetimes.answer_s, completion.call
        names = [keys.call(completion.scope, call.span_id)]
        names += [keys.scoped(keys.FRONTIER, completion.scope, digest) for digest in completion.frontiers]
        names += [keys.scoped(keys.ANSWER, completion.scope, digest) for digest in completion.answers]
        span = bytes.fromhex(call.span_id)
        commands = [_script(COMPLETE, names, span, PRODUCER_CAP, ttl_s, _encode(ended(completion)))]
        if completion.response_id:
            key = keys.response(self._secret, completion.tenant, completion.response_id)
            commands.append(command("SET", key, call.request_id, "EX", ttl_s))
        trace = keys.trace(self._secret, completion.tenant, call.trace_id)
        commands.append(_script(REMEMBER, [trace], call.span_id, keys.TRACE_SPANS, ttl_s))
        self._wait(commands)

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            self._send([])

    def close(self) -> None:
        """Write what waits and close the connection."""
        self.flush()
        self._connection.close()

    def _arrival(self, arrival: Arrival, lists: Sequence[Slot]) -> Packed:
        scope = arrival.history.scope
        names = [*(slot.key for slot in lists), keys.call(scope, arrival.call.span_id)]
        limits = [word for slot in lists for word in (slot.cap if slot.joins else 0, slot.ttl_s, int(slot.reads))]
        span, prefix = bytes.fromhex(arrival.call.span_id), keys.call_prefix(scope)
        return _script(ARRIVE, names, span, prefix, _encode(known(arrival)), self._lifetimes.answer_s, *limits)

    def _wait(self, commands: list[Packed]) -> None:
        if len(self._waiting) == WAITING:
            self._metrics.add("backtalk.session.links_dropped")
        self._waiting.append(commands)

    def _send(self, commands: Sequence[Packed]) -> list[object] | None:
        """Send what waits and these commands; None where Redis is away."""
        started_ns = monotonic_ns()
        if not self._breaker.may_try(started_ns):
            self._metrics.add("backtalk.session.skipped")
            return None
        try:
            replies = self._exchange_twice([*chain.from_iterable(self._waiting), *commands])
        except (RedisError, OSError) as error:
            self._failed(error)
            return None
        self._waiting.clear()
        self._recovered()
        self._count_trimmed(sum(reply for reply in replies if isinstance(reply, int)))
        self._metrics.record("backtalk.session.round_trip", (monotonic_ns() - started_ns) / NS_PER_MS)
        return replies

    def _exchange_twice(self, commands: Sequence[Packed]) -> list[object]:
        """Ask again at once after a first failure: commands may run twice, and most failures last a moment."""
        if self._breaker.broken:
            return self._exchange(commands)
        try:
            return self._exchange(commands)
        except (RedisError, OSError) as error:
            self._metrics.add("backtalk.session.failures", kind=type(error).__name__)
            return self._exchange(commands)

    def _exchange(self, commands: Sequence[Packed]) -> list[object]:
        """One round trip; two more after a restart of a server, which knows no scripts then."""
        replies = self._connection.exchange(commands)
        if any(isinstance(reply, NoScriptError) for reply in replies):
            self._connection.everywhere([pack("SCRIPT", "LOAD", script) for script in _SHA1])
            replies = self._connection.exchange(commands)
        for reply in replies:
            if isinstance(reply, RedisError):
                raise reply
        return replies

    def _count_trimmed(self, count: int) -> None:
        if count:
            self._metrics.add("backtalk.session.trimmed", count)

    def _failed(self, error: Exception) -> None:
        if not self._breaker.broken:
            _log.warning("Redis does not answer; calls get no session until it does: %s", error)
        self._breaker.failed(monotonic_ns())
        self._metrics.add("backtalk.session.failures", kind=type(error).__name__)

    def _recovered(self) -> None:
        if self._breaker.broken:
            _log.warning("Redis answers again; sessions go on")
        self._breaker.succeeded()


def _script(script: str, names: Sequence[bytes], *arguments: Word) -> Packed:
    return Packed(names[0], pack("EVALSHA", _SHA1[script], len(names), *names, *arguments))


def _evidence(arrival: Arrival, lists: Sequence[Slot], reply: _Reply) -> Evidence:
    members, calls, _ = reply
    own = bytes.fromhex(arrival.call.span_id)
    by_span = {call[0]: _seen(call) for call in calls}
    found = {
        slot.field: tuple(by_span[span] for span in _spans(joined) if span != own and span in by_span)
        for slot, joined in zip(lists, members, strict=True)
        if slot.reads
    }
    return Evidence(**cast("dict[str, Any]", found))


def _spans(joined: bytes) -> list[bytes]:
    return [joined[start : start + 8] for start in range(0, len(joined), 8)]


def _seen(call: Sequence[bytes | None]) -> Seen:
    _, opened, link, done, continued = call
    return Seen(
        known=_known(opened or b""),
        link=_link(link) if link else None,
        ended=_ended(done) if done else None,
        continued_ns=int(continued) if continued else None,
    )
