"""The worker's connection for counters: a pipeline at a time, and whatever goes wrong is an `OSError`."""

from collections.abc import Sequence

from redis.exceptions import RedisError

from backtalk.session.round_trips import Command
from backtalk.session.store_connection import StoreConnection, command


class CountingConnection:
    """One synchronous connection; a broken one is replaced at the next use."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection

    def send(self, commands: Sequence[Command]) -> list[object]:
        """Send commands in one round trip; a reply that is an error fails them all."""
        try:
            replies = self._connection.exchange([command(*words) for words in commands])
            for reply in replies:
                if isinstance(reply, RedisError):
                    raise reply
        except RedisError as error:
            raise ConnectionError(str(error)) from error
        return replies

    def close(self) -> None:
        """Close it."""
        self._connection.close()


def connect(url: str, timeout_s: float) -> CountingConnection:
    """Make the connection; nothing is sent before the first use."""
    return CountingConnection(StoreConnection(url, 1000 * timeout_s))
