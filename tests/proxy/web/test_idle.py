"""Connections on which nothing happens."""

import asyncio

import pytest

from backtalk.web.idle import Idle

KEEP_S = 0.02


@pytest.mark.anyio
async def test_a_connection_without_work_is_closed() -> None:
    """After its time, and once."""
    closed = asyncio.Event()
    Idle(asyncio.get_running_loop(), KEEP_S, lambda: None, closed.set).begin()
    async with asyncio.timeout(5):
        await closed.wait()


@pytest.mark.anyio
async def test_the_time_begins_anew_with_each_end_of_work() -> None:
    """The timer of an earlier idleness closes nothing while there is work; the next idleness is closed in its turn."""
    loop = asyncio.get_running_loop()
    closed: asyncio.Future[float] = loop.create_future()
    looked = asyncio.Event()
    idle = Idle(loop, KEEP_S, lambda: None, lambda: closed.set_result(loop.time()))
    idle.begin()
    idle.end()
    loop.call_later(KEEP_S * 1.5, looked.set)
    await looked.wait()
    assert not closed.done()
    idle.begin()
    began = loop.time()
    async with asyncio.timeout(5):
        assert await closed - began >= KEEP_S * 0.9


@pytest.mark.anyio
async def test_a_head_that_has_begun_gets_more_time_once() -> None:
    """A client that sends a head byte by byte is closed all the same."""
    loop = asyncio.get_running_loop()
    asked: list[object] = []
    head = object()
    closed = asyncio.Event()

    def unfinished() -> object:
        asked.append(head)
        return head

    Idle(loop, KEEP_S, unfinished, closed.set, head_s=KEEP_S).begin()
    async with asyncio.timeout(5):
        await closed.wait()
    assert len(asked) == 2
