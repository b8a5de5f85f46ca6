"""Waiting connections: the freshest first, few and not for long, and never one that the upstream has closed."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest

from backtalk.relay.connection import Connection
from backtalk.relay.pool import Pool
from backtalk.testing.raw_upstream import Conversation, RawRequest, RawUpstream, Script, answering
from backtalk.testing.waiting import await_until

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
GET = b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n"
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop the product runs on."""
    return "asyncio", {"use_uvloop": True}


async def exchanged(upstream: RawUpstream) -> Connection:
    """A connection whose first exchange is over."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(loop), "127.0.0.1", upstream.port)
    connection.start(GET, b"", bodiless=False, chunked=False)
    await connection.head()
    while await connection.piece():
        pass
    return connection


@contextlib.asynccontextmanager
async def pool_of(limit: int = 8, keep_s: float = 60.0) -> AsyncGenerator[Pool]:
    """A pool that is closed behind the test."""
    pool = Pool(asyncio.get_running_loop(), limit=limit, keep_s=keep_s)
    yield pool
    pool.close()


async def ended(connection: Connection) -> bool:
    """Whether a connection is closed."""
    return not connection.usable


async def test_the_one_used_last_is_taken_first() -> None:
    """It is the likeliest to be alive; each is handed out once."""
    async with RawUpstream(answering(OK)).listening() as upstream, pool_of() as pool:
        first, second = await exchanged(upstream), await exchanged(upstream)
        pool.put(first)
        pool.put(second)
        assert pool.idle == 2
        assert [pool.take(), pool.take(), pool.take()] == [second, first, None]
        assert (first.used, second.used) == (True, True)
        for connection in (first, second):
            pool.put(connection)


async def test_more_than_the_limit_are_closed_at_once() -> None:
    """What waits is bounded in number."""
    async with RawUpstream(answering(OK)).listening() as upstream, pool_of(limit=1) as pool:
        kept, surplus = await exchanged(upstream), await exchanged(upstream)
        pool.put(kept)
        pool.put(surplus)
        assert (pool.idle, kept.usable, surplus.usable) == (1, True, False)


async def test_what_has_waited_too_long_is_not_handed_out() -> None:
    """The upstream may be about to close it; it is closed instead."""
    async with RawUpstream(answering(OK)).listening() as upstream, pool_of() as pool:
        connection = await exchanged(upstream)
        pool.put(connection)
        connection.idle_since -= 61
        assert pool.take() is None
        assert not connection.usable


async def test_what_waits_is_closed_without_being_asked_for() -> None:
    """What waits is bounded in time, also where no call comes any more."""
    async with RawUpstream(answering(OK)).listening() as upstream, pool_of(keep_s=0.05) as pool:
        connection = await exchanged(upstream)
        pool.put(connection)
        await await_until(lambda: ended(connection), 20, what="the end of the idle connection")
        assert pool.idle == 0


async def test_a_connection_that_the_upstream_closed_is_not_handed_out() -> None:
    """It neither counts as waiting nor comes in the way of one that lives."""
    close = asyncio.Event()

    async def closing(conversation: Conversation, _request: RawRequest) -> None:
        await conversation.say(OK)
        if upstream.connections == 2:
            await close.wait()
            conversation.close()

    async with RawUpstream(closing).listening() as upstream, pool_of() as pool:
        alive, dead = await exchanged(upstream), await exchanged(upstream)
        pool.put(alive)
        pool.put(dead)
        close.set()
        await await_until(lambda: ended(dead), what="the end of the connection")
        assert pool.idle == 1
        assert pool.take() is alive
        pool.put(alive)


@pytest.mark.parametrize(
    "script",
    [answering(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"), answering(OK + b"more")],
)
async def test_a_connection_that_is_not_to_be_used_again_is_closed(script: Script) -> None:
    """The upstream said so, or said more than it was asked."""
    async with RawUpstream(script).listening() as upstream, pool_of() as pool:
        connection = await exchanged(upstream)
        pool.put(connection)
        assert (pool.idle, connection.usable, pool.take()) == (0, False, None)


async def test_an_exchange_that_is_not_over_ends_with_its_connection() -> None:
    """The rest of its response must not be taken for the next one's."""
    async with RawUpstream(answering(OK[:-1])).listening() as upstream, pool_of() as pool:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: Connection(loop), "127.0.0.1", upstream.port)
        connection.start(GET, b"", bodiless=False, chunked=False)
        await connection.head()
        pool.put(connection)
        assert pool.take() is None


async def test_a_closed_pool_keeps_nothing() -> None:
    """What waits is closed, and what comes back later too."""
    async with RawUpstream(answering(OK)).listening() as upstream, pool_of() as pool:
        waiting, under_way = await exchanged(upstream), await exchanged(upstream)
        pool.put(waiting)
        pool.close()
        pool.put(under_way)
        assert (pool.idle, waiting.usable, under_way.usable) == (0, False, False)
