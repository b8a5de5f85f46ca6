"""What virtual keys have used: requests counted as they come, tokens and dollars as calls end.

In: keys and calls that ended. Out: counts, within a budget of time. The one rule: only counters, each with a TTL; a
Redis that is away is left alone for a pause, and nobody waits for it.
"""

import logging
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, cast

from backtalk import clock
from backtalk.model.facts import CallClosed, Fact
from backtalk.model.meter import Meter
from backtalk.session import keys
from backtalk.session.breaker import Breaker
from backtalk.session.lookup import Lookup
from backtalk.session.round_trips import Command
from backtalk.virtual_keys import WINDOW_S, Counts, KeyRing, VirtualKey

_log: Final = logging.getLogger(__name__)
_MINUTE_S: Final = 60
_REMEMBERED: Final = 4096
_NANO: Final = 1_000_000_000


class KeyCounts:
    """The counters as a proxy asks them. Without a URL nothing is ever known."""

    def __init__(self, url: str | None, *, secret: bytes, metrics: Meter, lookup_ms: float) -> None:
        self._secret = secret
        self._metrics = metrics
        self._budget_s = lookup_ms / 1000
        self._breaker = Breaker()
        self._lookup = None if url is None else Lookup(url, budget_s=self._budget_s)

    async def count(self, key: VirtualKey, now_ns: int) -> Counts | None:
        """Count a request in one round trip; None where Redis is away or slow."""
        if self._lookup is None or not self._breaker.may_try(clock.monotonic_ns()):
            self._metrics.add("backtalk.keys.unchecked")
            return None
        names = _names(self._secret, key, now_ns)
        commands: list[Command] = [
            ("INCR", names.requests),
            ("EXPIRE", names.requests, 2 * _MINUTE_S),
            ("GET", names.tokens),
            ("GET", names.spent),
        ]
        try:
            requests, _, tokens, spent = await self._lookup.send(commands)
        except OSError as error:  # TimeoutError is one
            if not self._breaker.broken:
                _log.warning("Redis does not answer in time; keys are not counted: %s", str(error) or "timeout")
            self._breaker.failed(clock.monotonic_ns())
            self._metrics.add("backtalk.keys.unchecked")
            return None
        self._breaker.succeeded()
        return Counts(_number(requests), _number(tokens), _number(spent) / _NANO)

    async def aclose(self) -> None:
        """Close the connection."""
        if self._lookup is not None:
            await self._lookup.aclose()

    async def warm(self) -> None:
        """Load the client library ahead of the first key, in a thread."""
        if self._lookup is not None:
            await self._lookup.warm()


class KeySpending:
    """The counters as the worker writes them: what calls used, once they have ended."""

    def __init__(self, url: str, ring: KeyRing, *, secret: bytes, metrics: Meter, timeout_s: float) -> None:
        self._url = url
        self._ring = ring
        self._secret = secret
        self._metrics = metrics
        self._timeout_s = timeout_s
        self._breaker = Breaker()
        self._client: Any = None
        self._added: OrderedDict[bytes, int] = OrderedDict()
        """What was added to the counters used last; a counter that says less was evicted."""

    def record(self, facts: Iterable[Fact]) -> None:
        """Add what calls with a virtual key used; what Redis does not take in time is counted and lost."""
        ended = [fact for fact in facts if isinstance(fact, CallClosed) and fact.key_id]
        if not ended:
            return
        self._ring.refresh()
        commands = spending(ended, self._ring.keys, self._secret)
        if not commands or not self._breaker.may_try(clock.monotonic_ns()):
            self._metrics.add("backtalk.keys.uncounted", len(ended) if commands else 0)
            return
        try:
            self._send(commands)
        except OSError as error:
            self._breaker.failed(clock.monotonic_ns())
            self._metrics.add("backtalk.keys.uncounted", len(ended))
            _log.warning("what keys have used was not counted", extra={"reason": str(error), "calls": len(ended)})
        else:
            self._breaker.succeeded()

    def _send(self, commands: Sequence[Command]) -> None:
        """Add, and add again what a full Redis has forgotten: no counter may be less than what was added from here."""
        missing: list[Command] = []
        for (_, name, amount), (*_, ttl_s), reply in _pairs(commands, self._ask(commands)):
            whole = self._added.pop(name, 0) + amount
            self._added[name] = whole
            if reply < whole:
                missing += [("INCRBY", name, whole - reply), ("EXPIRE", name, ttl_s)]
        while len(self._added) > _REMEMBERED:
            self._added.popitem(last=False)
        if missing:
            self._ask(missing)

    def _ask(self, commands: Sequence[Command]) -> list[object]:
        from backtalk.session.counting_connection import connect  # noqa: PLC0415 -- loaded when a key is first used

        if self._client is None:
            self._client = connect(self._url, self._timeout_s)
        return cast("list[object]", self._client.send(commands))


def _pairs(
    commands: Sequence[Command], replies: Sequence[object]
) -> Iterator[tuple[tuple[str, bytes, int], Command, int]]:
    """Each INCRBY with the EXPIRE behind it, and what it replied."""
    for place in range(0, len(commands), 2):
        added = cast("tuple[str, bytes, int]", commands[place])
        yield added, commands[place + 1], _number(replies[place])


def spending(calls: Iterable[CallClosed], known: Iterable[VirtualKey], secret: bytes) -> list[Command]:
    """The commands that count what calls used, in the windows in which they ended; pure."""
    by_id = {key.id: key for key in known}
    added: Counter[tuple[bytes, int]] = Counter()
    for call in calls:
        key = by_id.get(call.key_id)
        if key is None:
            continue
        names = _names(secret, key, call.closed_ns)
        usage = call.response.usage
        tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0) if usage is not None else 0
        added[names.tokens, 2 * _MINUTE_S] += min(tokens, 1 << 40)
        added[names.spent, 2 * WINDOW_S[key.budget_window]] += min(round((call.cost_usd or 0.0) * _NANO), 1 << 60)
    commands: list[Command] = []
    for (name, ttl_s), amount in added.items():
        if amount > 0:
            commands += [("INCRBY", name, amount), ("EXPIRE", name, ttl_s)]
    return commands


class _Names(NamedTuple):
    requests: bytes
    tokens: bytes
    spent: bytes


def _names(secret: bytes, key: VirtualKey, now_ns: int) -> _Names:
    minute = now_ns // (_MINUTE_S * _NANO)
    longer = now_ns // (WINDOW_S[key.budget_window] * _NANO)
    return _Names(
        keys.used(secret, key.id, "requests", minute),
        keys.used(secret, key.id, "tokens", minute),
        keys.used(secret, key.id, key.budget_window, longer),
    )


def _number(reply: object) -> int:
    return int(reply) if isinstance(reply, int | bytes) else 0
