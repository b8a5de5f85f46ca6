"""The session store's connection: packed commands out, replies in, one connection held for good.

In: bytes that `pack` made. Out: a reply a command; what Redis refuses is a reply too, a server that is away an error
of redis-py. The one rule: nothing is done twice for each round trip that can be done once. A pipeline of redis-py
costs 90 us besides its system calls (pool, retries, one object a command), which was more than the scripts themselves.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, cast

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from redis.retry import Retry

Word = bytes | str | int
"""A part of a command."""
_pack: Final = cast("Callable[[tuple[Word, ...]], bytes]", hiredis.pack_command)  # pyright: ignore[reportUnknownMemberType]  # its stub knows commands of one word


class _Connection(Protocol):
    """The part of redis-py's connection that is used here; it connects at the first command, and again after a loss."""

    def send_packed_command(self, command: Sequence[bytes], check_health: bool = True) -> None: ...
    def read_response(self) -> object: ...
    def disconnect(self) -> None: ...


class StoreConnection:
    """Used by one thread."""

    def __init__(self, url: str, timeout_ms: float) -> None:
        timeout_s = timeout_ms / 1000
        make = cast("Callable[..., Any]", redis.ConnectionPool.from_url)  # pyright: ignore[reportUnknownMemberType]
        pool = make(
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
        )
        self._make: Final = cast("Callable[[], _Connection]", pool.make_connection)
        self._connection: _Connection | None = None

    def exchange(self, packed: bytes, count: int) -> list[object]:
        """Send so many commands in one round trip; raises `RedisError` or `OSError` where the server is away."""
        if not count:
            return []
        if self._connection is None:
            self._connection = self._make()
        self._connection.send_packed_command((packed,), check_health=False)
        return [_reply(self._connection) for _ in range(count)]

    def close(self) -> None:
        """Let the connection go; the next exchange opens one."""
        if self._connection is not None:
            self._connection.disconnect()


def pack(*words: Word) -> bytes:
    """A command in the form in which Redis reads it."""
    return _pack(words)


def _reply(connection: _Connection) -> object:
    try:
        return connection.read_response()
    except ResponseError as refusal:
        return refusal
