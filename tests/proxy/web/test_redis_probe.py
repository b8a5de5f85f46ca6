"""A probe has its answer in time, however long Redis hangs."""

import asyncio
import threading

import pytest

from backtalk.web.redis_probe import RedisProbe

pytestmark = pytest.mark.anyio


async def test_a_hanging_redis_is_away_and_asked_once_at_a_time() -> None:
    """A hundred probes wait for one question; once it is answered they know."""
    asked, hang = list[int](), threading.Event()

    def ask() -> bool:
        asked.append(1)
        return hang.wait(30)

    probe = RedisProbe(ask, wait_s=0.01)
    assert set(await asyncio.gather(*(probe.answers() for _ in range(100)))) == {False}
    assert not await probe.answers()
    assert len(asked) == 1
    hang.set()
    while not await probe.answers():
        pass
    assert len(asked) == 1


async def test_an_answer_is_remembered_and_asked_for_again() -> None:
    """While it is fresh nobody is asked."""
    told = iter((True, False, False))
    slow = RedisProbe(lambda: next(told), fresh_s=3_600)
    assert [await slow.answers() for _ in range(3)] == [True, True, True]
    quick = RedisProbe(lambda: next(told), fresh_s=0)
    assert not await quick.answers()


async def test_a_question_that_fails_is_no() -> None:
    """A probe is never an error."""

    def ask() -> bool:
        raise OSError("no route")

    assert not await RedisProbe(ask).answers()
