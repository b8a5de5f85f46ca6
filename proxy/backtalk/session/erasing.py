"""Takes texts of calls out of Redis: what later calls are compared with, and the append-only file that repeats it.

In: the spans of calls. Out: how many were found. The one rule: only texts go; the lists by which a conversation is
known again stay until their TTL ends, so that what continues an erased conversation is known for what it is.
"""

import contextlib
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from typing import Any, Final, cast

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from backtalk.errors import StoreError
from backtalk.session import keys
from backtalk.session.store import Ended, Known
from backtalk.session.topology import answered, fixed, question
from backtalk.settings.redis_url import parse_redis_url

_SCANNED: Final = 1_000
_SPAN_BYTES: Final = 8
_BLANK: Final = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
for i = 1, #ARGV, 3 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2]) end
end
return 1
"""
"""Only what is still there as it was read; the key's TTL stays."""


class SessionErasing:
    """Used by one thread; connections are opened for each use, to every server that holds keys."""

    def __init__(self, url: str, *, timeout_s: float = 5.0) -> None:
        self._address = parse_redis_url(url)
        self._timeout_s = timeout_s

    def blank(self, span_ids: Collection[str]) -> int:
        """Blank the texts of calls; gives how many there were. Raises `StoreError` where Redis is away."""
        wanted = {bytes.fromhex(span_id) for span_id in span_ids}
        return sum(self._blank(server, wanted) for server in self._servers())

    def rewrite_log(self) -> None:
        """Have the append-only file written anew, where there is one; `log_is_rewritten` tells when it is done."""
        for server in self._servers():
            with self._client(server) as client, contextlib.suppress(redis.ResponseError):  # under way, or not allowed
                client.execute_command("BGREWRITEAOF")

    def log_is_rewritten(self) -> bool:
        """Whether no rewriting of the append-only file is under way or waits."""
        return all(self._is_quiet(server) for server in self._servers())

    def _blank(self, server: str, wanted: Collection[bytes]) -> int:
        with self._client(server) as client:
            script, count = client.register_script(_BLANK), 0
            for name in client.scan_iter(match=keys.CALL + b"*", count=_SCANNED):
                if name[-_SPAN_BYTES:] in wanted:
                    script(keys=[name], args=[word for change in _changes(client.hgetall(name)) for word in change])
                    count += 1
            return count

    def _is_quiet(self, server: str) -> bool:
        with self._client(server) as client:
            info: Mapping[str, Any] = client.info("persistence")
        return not (info.get("aof_rewrite_in_progress") or info.get("aof_rewrite_scheduled"))

    def _servers(self) -> Sequence[str]:
        """Whoever holds keys: the first seed that answers says so."""
        if (known := fixed(self._address)) is not None:
            return known.servers
        failed: StoreError | None = None
        for seed in self._address.seeds:
            try:
                with self._client(seed) as client:
                    reply: object = client.execute_command(*question(self._address))
                    return answered(self._address, seed, reply).servers
            except StoreError as error:
                failed = error
        assert failed is not None  # noqa: S101 - an address has a seed
        raise failed

    @contextlib.contextmanager
    def _client(self, server: str) -> Generator[Any]:
        make = cast("Callable[..., Any]", redis.Redis.from_url)  # pyright: ignore[reportUnknownMemberType]
        client = make(
            server,
            socket_timeout=self._timeout_s,
            socket_connect_timeout=self._timeout_s,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            yield client
        except (redis.RedisError, OSError) as error:
            raise StoreError(f"Redis cannot be asked to erase: {error}", code="redis_unavailable") from error
        finally:
            client.close()


def _changes(call: Mapping[bytes, bytes]) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Field, old value and new value of what holds a text; what cannot be read goes whole."""
    for field, kind, text in ((b"o", Known, "user_text"), (b"d", Ended, "answer_text")):
        if field in call:
            try:
                value: Any = msgspec.msgpack.decode(call[field], type=kind)
                blank = msgspec.msgpack.encode(msgspec.structs.replace(value, **{text: ""}))
            except (msgspec.MsgspecError, UnicodeDecodeError):
                blank = b""
            yield field, call[field], blank
