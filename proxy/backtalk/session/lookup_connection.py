"""The asynchronous Redis connection of look-ups; loaded at the first use, since the library is large.

In: commands. Out: replies of one round trip. The one rules: whatever goes wrong is an `OSError`, and a connection whose
replies were not all read is never used again. A pipeline of redis-py costs a command 40 us (measured), most of it the
watching of time for each reply; the caller watches the time of the whole round trip, and one packing serves all.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, cast

import hiredis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from backtalk.session.round_trips import Command

_pack: Final = cast("Callable[[Command], bytes]", hiredis.pack_command)  # pyright: ignore[reportUnknownMemberType] -- its stub knows commands of one word


class _Connection(Protocol):
    """The part of redis-py's asynchronous connection that is used here; it connects at the first command."""

    async def send_packed_command(self, command: Sequence[bytes], check_health: bool = True) -> None: ...
    async def read_response(self) -> object: ...
    async def disconnect(self, nowait: bool = False) -> None: ...


class LookupConnection:
    """One connection, used by one round trip at a time; a broken one is replaced at the next."""

    def __init__(self, make: Callable[[], _Connection]) -> None:
        self._make = make
        self._connection: _Connection | None = None

    async def send(self, commands: Sequence[Command]) -> list[object]:
        """Send commands in one round trip; what Redis refuses is a reply too."""
        connection, self._connection = self._connection or self._make(), None
        try:
            await connection.send_packed_command((b"".join(map(_pack, commands)),), check_health=False)
            replies = [await _reply(connection) for _ in commands]
        except RedisError as error:
            await connection.disconnect(nowait=True)
            raise ConnectionError(str(error)) from error
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        self._connection = connection
        return replies

    async def aclose(self) -> None:
        """Close it."""
        if self._connection is not None:
            await self._connection.disconnect()


async def _reply(connection: _Connection) -> object:
    try:
        return await connection.read_response()
    except ResponseError as refusal:
        return refusal


def connect(url: str, timeout_s: float) -> LookupConnection:
    """Say where it goes; nothing is sent before the first use."""
    make = cast("Callable[..., Any]", redis.asyncio.ConnectionPool.from_url)  # pyright: ignore[reportUnknownMemberType] -- its **kwargs have no type
    pool = make(url, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0), health_check_interval=0)
    return LookupConnection(cast("Callable[[], _Connection]", pool.make_connection))
