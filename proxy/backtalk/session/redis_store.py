"""The session store on Redis: one script per arrival, one pipeline per completion, nothing that can hold up the worker.

In and out: the port in `store`. The one rule: Redis being down, slow, full or wiped costs links, never time: a call
waits at most two timeouts, then a breaker leaves the server alone for a growing pause and evidence is not `available`.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol, cast

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError
from redis.retry import Retry

from backtalk.clock import NS_PER_MS, monotonic_ns
from backtalk.model.meter import Meter
from backtalk.session import keys
from backtalk.session.breaker import Breaker
from backtalk.session.scripts import ARRIVE, COMPLETE, LINK, REMEMBER
from backtalk.session.store import (
    PRODUCER_CAP,
    Arrival,
    Completion,
    Ended,
    Evidence,
    Known,
    Lifetimes,
    Link,
    Seen,
    ended,
    known,
    slots,
)

_log = logging.getLogger(__name__)
WAITING_LINKS: Final = 4_096
"""Most links that wait for the next round trip; beyond it the oldest are dropped, counted."""
_AWAY: Final = Evidence(available=False)

_encode: Final = msgspec.msgpack.Encoder().encode
_known: Final = msgspec.msgpack.Decoder(Known).decode
_link: Final = msgspec.msgpack.Decoder(Link).decode
_ended: Final = msgspec.msgpack.Decoder(Ended).decode

_Command = tuple[bytes | str | int, ...]


class _Pipeline(Protocol):
    def execute_command(self, *args: bytes | str | int) -> object: ...
    def execute(self, raise_on_error: bool = True) -> list[object]: ...  # redis-py's signature


class _Client(Protocol):
    """The part of redis-py's synchronous client that is used here."""

    def pipeline(self, *, transaction: bool) -> _Pipeline: ...
    def script_load(self, script: str) -> str: ...
    def close(self) -> None: ...


class RedisSessionStore:
    """Session state in a Redis that several workers may share."""

    def __init__(
        self, url: str, *, secret: bytes, metrics: Meter, timeout_ms: float = 250.0, lifetimes: Lifetimes | None = None
    ) -> None:
        self._client = _connect(url, timeout_ms)
        self._secret = secret
        self._metrics = metrics
        self._lifetimes = lifetimes or Lifetimes()
        self._breaker = Breaker()
        self._waiting: deque[tuple[list[bytes], list[bytes | str | int]]] = deque(maxlen=WAITING_LINKS)
        self._shas: dict[str, str] = {}

    def arrive(self, arrival: Arrival) -> Evidence:
        """Run the arrival script, after the links that wait, in one round trip."""
        scope, lists = arrival.history.scope, slots(arrival, self._lifetimes)
        own = keys.call(scope, arrival.call.span_id)
        limits = [part for slot in lists for part in (slot.cap if slot.joins else 0, slot.ttl_s)]
        arguments: list[bytes | str | int] = [
            bytes.fromhex(arrival.call.span_id),
            keys.call_prefix(scope),
            _encode(known(arrival)),
            self._lifetimes.answer_s,
            *limits,
        ]
        replies = self._send(lambda: [self._script(ARRIVE, [*(slot.key for slot in lists), own], arguments)])
        if replies is None:
            return _AWAY
        members, calls = cast("tuple[list[bytes], list[list[bytes | None]]]", replies[-1])
        return _evidence([slot.field for slot in lists], members, calls, arguments[0])

    def link(self, arrival: Arrival, link: Link) -> None:
        """Queue the link; it travels before the next command of this store."""
        scope = arrival.history.scope
        names = [keys.call(scope, arrival.call.span_id)]
        if link.parent is not None:
            names.append(keys.call(scope, link.parent.span_id))
        if len(self._waiting) == WAITING_LINKS:
            self._metrics.add("backtalk.session.links_dropped")
        self._waiting.append((names, [_encode(link), self._lifetimes.answer_s, arrival.opened_ns]))

    def complete(self, completion: Completion) -> None:
        """Write the end, the keys under which it can be continued, and feedback's look-ups, in one round trip."""
        self._send(lambda: self._completion(completion))

    def flush(self) -> None:
        """Write the links that wait."""
        if self._waiting:
            self._send(list)

    def close(self) -> None:
        """Write what waits and close the connection."""
        self.flush()
        self._client.close()

    def _completion(self, completion: Completion) -> list[_Command]:
        ttl_s, call = self._lifetimes.answer_s, completion.call
        names = [keys.call(completion.scope, call.span_id)]
        names += [keys.scoped(keys.FRONTIER, completion.scope, digest) for digest in completion.frontiers]
        names += [keys.scoped(keys.ANSWER, completion.scope, digest) for digest in completion.answers]
        arguments: list[bytes | str | int] = [
            bytes.fromhex(call.span_id),
            PRODUCER_CAP,
            ttl_s,
            _encode(ended(completion)),
        ]
        commands = [self._script(COMPLETE, names, arguments)]
        if completion.response_id:
            key = keys.response(self._secret, completion.tenant, completion.response_id)
            commands.append(("SET", key, call.request_id, "EX", ttl_s))
        trace = keys.trace(self._secret, completion.tenant, call.trace_id)
        commands.append(self._script(REMEMBER, [trace], [call.span_id, keys.TRACE_SPANS, ttl_s]))
        return commands

    def _links(self) -> list[_Command]:
        return [self._script(LINK, names, arguments) for names, arguments in self._waiting]

    def _script(self, script: str, names: Sequence[bytes], arguments: Iterable[bytes | str | int]) -> _Command:
        sha = self._shas.get(script)
        if sha is None:
            sha = self._shas[script] = self._client.script_load(script)
        return ("EVALSHA", sha, len(names), *names, *arguments)

    def _send(self, make: Callable[[], list[_Command]]) -> list[object] | None:
        """Send what waits and what `make` says; None where Redis is away."""
        started_ns = monotonic_ns()
        if not self._breaker.may_try(started_ns):
            self._metrics.add("backtalk.session.skipped")
            return None
        try:
            replies = self._exchange_twice(make)
        except (RedisError, OSError) as error:
            self._failed(error)
            return None
        self._recovered()
        self._metrics.record("backtalk.session.round_trip_ms", (monotonic_ns() - started_ns) / NS_PER_MS)
        return replies

    def _exchange_twice(self, make: Callable[[], list[_Command]]) -> list[object]:
        """Ask again at once after a first failure: commands may run twice, and most failures last a moment."""
        if self._breaker.broken:
            return self._exchange(make)
        try:
            return self._exchange(make)
        except (RedisError, OSError) as error:
            self._metrics.add("backtalk.session.failures", kind=type(error).__name__)
            return self._exchange(make)

    def _exchange(self, make: Callable[[], list[_Command]]) -> list[object]:
        """One round trip; a second one after a restart of the server, which knows no scripts then."""
        replies = self._round_trip([*self._links(), *make()])
        if any(isinstance(reply, NoScriptError) for reply in replies):
            self._shas.clear()
            replies = self._round_trip([*self._links(), *make()])
        for reply in replies:
            if isinstance(reply, RedisError):
                raise reply
        self._waiting.clear()
        return replies

    def _round_trip(self, commands: Sequence[_Command]) -> list[object]:
        if not commands:
            return []
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        return pipeline.execute(raise_on_error=False)

    def _failed(self, error: Exception) -> None:
        if not self._breaker.broken:
            _log.warning("Redis does not answer; calls get no session until it does: %s", error)
        self._breaker.failed(monotonic_ns())
        self._metrics.add("backtalk.session.failures", kind=type(error).__name__)

    def _recovered(self) -> None:
        if self._breaker.broken:
            _log.warning("Redis answers again; sessions go on")
        self._breaker.succeeded()


def _connect(url: str, timeout_ms: float) -> _Client:
    timeout_s = timeout_ms / 1000
    make = cast("Callable[..., Any]", redis.Redis.from_url)  # pyright: ignore[reportUnknownMemberType]
    client = make(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )
    return cast("_Client", client)


def _evidence(
    fields: Sequence[str], members: Sequence[bytes], calls: Sequence[Sequence[bytes | None]], own: bytes | str | int
) -> Evidence:
    by_span = {call[0]: _seen(call) for call in calls}
    lists = {
        field: tuple(by_span[span] for span in _spans(joined) if span != own and span in by_span)
        for field, joined in zip(fields, members, strict=True)
    }
    return Evidence(**cast("dict[str, Any]", lists))


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
