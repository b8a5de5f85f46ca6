"""The worker's connections: packed commands out, replies in, one connection a server held for good.

In: commands that `command` made. Out: a reply a command, in their order; what Redis refuses is a reply too, a server
that is away an error of redis-py. The one rule: nothing is done twice for each round trip that can be done once, and
all servers are written to before any is read from. A pipeline of redis-py costs 90 us besides its system calls (pool,
retries, one object a command), which was more than the scripts themselves.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol, cast

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.exceptions import AskError, MovedError, ReadOnlyError, RedisError, ResponseError
from redis.retry import Retry

from backtalk.session.topology import Topology, answered, fixed, named_place, question
from backtalk.settings.redis_url import parse_redis_url

Word = bytes | str | int
"""A part of a command."""
REDIRECTIONS: Final = 3
"""How often a cluster may send commands on to another node before they have failed."""
ASKED_AT_ONCE: Final = 3
"""How many servers are asked, one after the other, who holds the keys; the next ones at the next attempt."""
_pack: Final = cast("Callable[[tuple[Word, ...]], bytes]", hiredis.pack_command)  # pyright: ignore[reportUnknownMemberType]  # its stub knows commands of one word


class Packed(NamedTuple):
    """A command as it travels, and the key that says where to."""

    key: bytes
    words: bytes


class _Connection(Protocol):
    """The part of redis-py's connection that is used here; it connects at the first command, and again after a loss."""

    def send_packed_command(self, command: Sequence[bytes], check_health: bool = True) -> None: ...
    def read_response(self) -> object: ...
    def disconnect(self) -> None: ...


class StoreConnection:
    """The way to one server, to the primary that sentinels name, or to a cluster. Used by one thread."""

    def __init__(self, url: str, timeout_ms: float) -> None:
        self._address: Final = parse_redis_url(url)
        self._timeout_s = timeout_ms / 1000
        self._topology = fixed(self._address)
        self._open: dict[str, _Connection] = {}
        self._seeds: tuple[str, ...] = self._address.seeds

    def exchange(self, commands: Sequence[Packed]) -> list[object]:
        """Send commands in one round trip; raises `RedisError` or `OSError` where a server is away."""
        if not commands:
            return []
        try:
            topology = self._topology = self._topology or self._discovered()
            replies = self._round(topology.split([one.key for one in commands]), commands)
            self._follow(commands, replies)
        except (RedisError, OSError):
            self.close()
            raise
        if any(isinstance(reply, ReadOnlyError) for reply in replies):
            self.close()  # it was the primary; who is now shows when we ask anew
        return replies

    def everywhere(self, words: Sequence[bytes]) -> list[list[object]]:
        """Send commands without a key to every server that holds keys; the replies of each."""
        topology = self._topology = self._topology or self._discovered()
        commands = [Packed(b"", one) for one in words]
        return [self._round({url: range(len(words))}, commands) for url in topology.servers]

    def close(self) -> None:
        """Let the connections go, and what was found; the next exchange looks anew."""
        for connection in self._open.values():
            connection.disconnect()
        self._open.clear()
        self._topology = fixed(self._address)

    def _round(self, places: dict[str, Sequence[int]], commands: Sequence[Packed]) -> list[object]:
        """Write to every server, then read from each."""
        replies: list[object] = [None] * len(commands)
        for url, asked in places.items():
            packed = b"".join([commands[place].words for place in asked])
            self._connection(url).send_packed_command((packed,), check_health=False)
        for url, asked in places.items():
            connection = self._open[url]
            for place in asked:
                replies[place] = _reply(connection)
        return replies

    def _follow(self, commands: Sequence[Packed], replies: list[object]) -> None:
        """Send what a cluster's node does not serve to where the node says, in order; puts the replies in place."""
        for _ in range(REDIRECTIONS):
            moved = [place for place, reply in enumerate(replies) if isinstance(reply, AskError)]
            if not moved:
                return
            if self._address.kind != "cluster":
                raise ConnectionError("this server is a node of a cluster: REDIS_URL must begin with redis+cluster://")
            if any(isinstance(replies[place], MovedError) for place in moved):
                self._topology = self._discovered()
            for place in moved:
                replies[place] = self._redirected(commands[place], cast("AskError", replies[place]))

    def _redirected(self, command: Packed, told: AskError) -> object:
        if isinstance(told, MovedError):
            topology = cast("Topology", self._topology)
            return self._round({topology.owner(command.key): (0,)}, [command])[0]
        url = self._address.server(*named_place(told))
        return self._round({url: (0, 1)}, [Packed(b"", pack("ASKING")), command])[1]

    def _discovered(self) -> Topology:
        """Ask one server after the other who holds the keys; those that fail are asked last the next time."""
        asked, failed = pack(*question(self._address)), ""
        for seed in self._seeds[:ASKED_AT_ONCE]:
            try:
                reply = self._round({seed: (0,)}, [Packed(b"", asked)])[0]
                if isinstance(reply, RedisError):
                    raise reply
                found = answered(self._address, seed, reply)
            except (RedisError, OSError) as error:
                self._drop(seed)
                self._seeds = (*(other for other in self._seeds if other != seed), seed)
                failed = str(error)
            else:
                if self._address.kind == "cluster":
                    self._seeds = tuple(dict.fromkeys((*found.servers, *self._address.seeds)))
                for url in [url for url in self._open if url not in found.servers]:
                    self._drop(url)
                return found
        raise ConnectionError(f"no {self._address.kind} answers: {failed}")

    def _drop(self, url: str) -> None:
        if url in self._open:
            self._open.pop(url).disconnect()

    def _connection(self, url: str) -> _Connection:
        found = self._open.get(url)
        if found is None:
            found = self._open[url] = self._made(url)
        return found

    def _made(self, url: str) -> _Connection:
        make = cast("Callable[..., Any]", redis.ConnectionPool.from_url)  # pyright: ignore[reportUnknownMemberType]
        pool = make(
            url,
            socket_timeout=self._timeout_s,
            socket_connect_timeout=self._timeout_s,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
        )
        return cast("_Connection", pool.make_connection())


def pack(*words: Word) -> bytes:
    """A command in the form in which Redis reads it."""
    return _pack(words)


def command(*words: Word) -> Packed:
    """A command whose second word is its key, as nearly every one's is."""
    key = words[1] if len(words) > 1 else b""
    return Packed(key if isinstance(key, bytes) else str(key).encode(), _pack(words))


def _reply(connection: _Connection) -> object:
    try:
        return connection.read_response()
    except ResponseError as refusal:
        return refusal
