"""The worker's connection for counters: a pipeline at a time, and whatever goes wrong is an `OSError`."""

from collections.abc import Sequence
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from backtalk.session.round_trips import Command


class CountingConnection:
    """One synchronous connection; a broken one is replaced at the next use."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def send(self, commands: Sequence[Command]) -> list[object]:
        """Send commands in one round trip."""
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        try:
            return cast("list[object]", pipeline.execute())
        except redis.RedisError as error:
            raise ConnectionError(str(error)) from error

    def close(self) -> None:
        """Close it."""
        self._client.close()


def connect(url: str, timeout_s: float) -> CountingConnection:
    """Make the connection; nothing is sent before the first use."""
    client = redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType] -- its keywords carry no types
        url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0)
    )
    return CountingConnection(client)
