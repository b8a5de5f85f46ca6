"""The asynchronous Redis connection of feedback's look-ups; loaded at the first use, since the library is large.

In: commands. Out: replies of one round trip. The one rule: whatever goes wrong is an `OSError`.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from backtalk.session.lookup import Command


class _Pipeline(Protocol):
    def execute_command(self, *args: str | bytes | int) -> object: ...
    async def execute(self, raise_on_error: bool = True) -> list[object]: ...  # redis-py's signature


class _Client(Protocol):
    """The part of redis-py's asynchronous client that is used here."""

    def pipeline(self, *, transaction: bool) -> _Pipeline: ...
    async def aclose(self) -> None: ...


class LookupConnection:
    """A pool of connections to one Redis; broken ones are replaced at the next use."""

    def __init__(self, client: _Client) -> None:
        self._client = client

    async def send(self, commands: Sequence[Command]) -> list[object]:
        """Send commands in one round trip; a reply that is an error fails them all."""
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        try:
            return await pipeline.execute()
        except RedisError as error:
            raise ConnectionError(str(error)) from error

    async def aclose(self) -> None:
        """Close the pool."""
        await self._client.aclose()


def connect(url: str, timeout_s: float) -> LookupConnection:
    """Make the pool; nothing is sent before the first use."""
    make = cast("Callable[..., Any]", redis.asyncio.Redis.from_url)  # pyright: ignore[reportUnknownMemberType] -- its **kwargs have no type
    client = make(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
        max_connections=8,
    )
    return LookupConnection(cast(_Client, client))
