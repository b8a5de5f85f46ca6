"""The asynchronous Redis connections of look-ups; loaded at the first use, since the library is large.

In: commands. Out: replies of one round trip, to one server or to each that holds a key. The one rules: whatever goes
wrong is an `OSError`, a connection whose replies were not all read is never used again, and no budget is spent on a
search: who holds a cluster's keys, or is the primary of sentinels, is found out by a task of its own. A pipeline of
redis-py costs a command 40 us (measured), most of it the watching of time for each reply; the caller watches the time
of the whole round trip, and one packing serves all.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, cast

import hiredis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AskError, MovedError, ReadOnlyError, RedisError, ResponseError

from backtalk.session.round_trips import Command
from backtalk.session.topology import Topology, answered, fixed, named_place, question
from backtalk.settings.redis_url import parse_redis_url

SEARCH_S: Final = 1.0
"""How long each server may take to say who holds the keys."""
_pack: Final = cast("Callable[[Command], bytes]", hiredis.pack_command)  # pyright: ignore[reportUnknownMemberType] -- its stub knows commands of one word


class _Connection(Protocol):
    """The part of redis-py's asynchronous connection that is used here; it connects at the first command."""

    async def send_packed_command(self, command: Sequence[bytes], check_health: bool = True) -> None: ...
    async def read_response(self) -> object: ...
    async def disconnect(self, nowait: bool = False) -> None: ...


class LookupConnection:
    """A connection a server, used by one round trip at a time; a broken one is replaced at the next."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._address: Final = parse_redis_url(url)
        self._timeout_s = timeout_s
        self._topology = fixed(self._address)
        self._seeds: tuple[str, ...] = self._address.seeds
        self._open: dict[str, _Connection] = {}
        self._search: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Find out who holds the keys, where that is to be asked; raises `OSError` where nobody says it."""
        if self._topology is None:
            await asyncio.shield(self._searching())

    async def send(self, commands: Sequence[Command]) -> list[object]:
        """Send commands in one round trip; what Redis refuses is a reply too."""
        try:
            await self.open()
            replies = await self._round(cast("Topology", self._topology), commands)
            for place, reply in enumerate(replies):
                if isinstance(reply, AskError):
                    replies[place] = await self._redirected(commands[place], reply)
        except RedisError as error:
            await self._lost()
            raise ConnectionError(str(error)) from error
        except BaseException:  # also where the caller's time was up
            await self._lost()
            raise
        if any(isinstance(reply, ReadOnlyError) for reply in replies):
            await self._lost()  # it was the primary; its name leads to another server by now
        return replies

    async def aclose(self) -> None:
        """Close what is open."""
        if self._search is not None:
            self._search.cancel()
            await asyncio.wait((self._search,))
        await self._close(nowait=False)

    async def _round(self, topology: Topology, commands: Sequence[Command]) -> list[object]:
        """Write to every server, then read from each."""
        asked = topology.split([_key(words) for words in commands])
        for url, places in asked.items():
            packed = b"".join([_pack(commands[place]) for place in places])
            await self._connection(url).send_packed_command((packed,), check_health=False)
        replies: list[object] = [None] * len(commands)
        for url, places in asked.items():
            connection = self._connection(url)
            for place in places:
                replies[place] = await _reply(connection)
        return replies

    async def _redirected(self, words: Command, told: AskError) -> object:
        """Ask where the node says, at once; the whole map is read behind it."""
        if self._address.kind != "cluster":
            raise ConnectionError("this server is a node of a cluster: REDIS_URL must begin with redis+cluster://")
        to = Topology((self._address.server(*named_place(told)),))
        if isinstance(told, MovedError):
            _ = self._searching()
            return (await self._round(to, [words]))[0]
        return (await self._round(to, [("ASKING",), words]))[1]

    async def _lost(self) -> None:
        """Begin anew, and let a task find out whether somebody else holds the keys by now."""
        await self._close(nowait=True)
        if self._address.kind != "server":
            _ = self._searching()

    def _searching(self) -> asyncio.Task[None]:
        """The search that runs, or a new one."""
        if self._search is None or self._search.done():
            self._search = asyncio.get_running_loop().create_task(self._find())
            self._search.add_done_callback(_looked_at)
        return self._search

    async def _find(self) -> None:
        failed = ""
        for seed in self._seeds:
            connection = _made(seed, SEARCH_S)
            try:
                async with asyncio.timeout(SEARCH_S):
                    await connection.send_packed_command((_pack(question(self._address)),), check_health=False)
                    self._topology = found = answered(self._address, seed, await connection.read_response())
            except (RedisError, OSError) as error:
                failed = str(error) or type(error).__name__
            else:
                if self._address.kind == "cluster":
                    self._seeds = tuple(dict.fromkeys((*found.servers, *self._address.seeds)))
                return
            finally:
                await connection.disconnect(nowait=True)
        raise ConnectionError(f"no {self._address.kind} answers: {failed}")

    def _connection(self, url: str) -> _Connection:
        if url not in self._open:
            self._open[url] = _made(url, self._timeout_s)
        return self._open[url]

    async def _close(self, *, nowait: bool) -> None:
        while self._open:
            _, connection = self._open.popitem()
            await connection.disconnect(nowait=nowait)


def connect(url: str, timeout_s: float) -> LookupConnection:
    """Say where it goes; nothing is sent before the first use."""
    return LookupConnection(url, timeout_s)


def _made(url: str, timeout_s: float) -> _Connection:
    make = cast("Callable[..., Any]", redis.asyncio.ConnectionPool.from_url)  # pyright: ignore[reportUnknownMemberType] -- its **kwargs have no type
    limits = {"socket_connect_timeout": timeout_s, "socket_timeout": None, "health_check_interval": 0}
    pool = make(url, retry=Retry(NoBackoff(), 0), **limits)
    return cast("_Connection", pool.make_connection())


async def _reply(connection: _Connection) -> object:
    try:
        return await connection.read_response()
    except ResponseError as refusal:
        return refusal


def _key(words: Command) -> bytes:
    """The key of a command of one key; scripts name theirs after the number of keys."""
    found = words[3 if words[0] in {"EVAL", "EVALSHA"} else 1] if len(words) > 1 else b""
    return found if isinstance(found, bytes) else str(found).encode()


def _looked_at(search: asyncio.Task[None]) -> None:
    """A search that nobody waits for may fail: the next use starts another."""
    if not search.cancelled():
        search.exception()
