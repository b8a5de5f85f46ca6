"""The way to Redis is opened once, when it is needed."""

import asyncio
from pathlib import Path

import pytest

from backtalk.session.lookup import Lookup


@pytest.mark.anyio
async def test_everybody_gets_the_one_connection(redis_url: str) -> None:
    """Those who ask at the same time too; before anyone asked nothing is open."""
    lookup = Lookup(redis_url, budget_s=5)
    assert not lookup.ready
    first, second = await asyncio.gather(lookup.connection(), lookup.connection())
    assert first is second is await lookup.connection()
    assert lookup.ready
    assert await first.send([("SET", "a", "1"), ("GET", "a")]) == [True, b"1"]
    await lookup.aclose()


@pytest.mark.anyio
async def test_a_waiter_whose_time_is_up_does_not_stop_the_opening(redis_url: str) -> None:
    """The next one finds the library loaded."""
    lookup = Lookup(redis_url, budget_s=5)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await lookup.connection()
    await lookup.connection()
    assert lookup.ready
    await lookup.aclose()


@pytest.mark.anyio
async def test_a_redis_that_is_away_is_an_os_error(tmp_path: Path) -> None:
    """Whoever asks knows one kind of failure; what was never opened closes too."""
    lookup = Lookup(f"unix://{tmp_path}/nobody.sock", budget_s=1)
    with pytest.raises(OSError, match=r"."):
        await (await lookup.connection()).send([("PING",)])
    await lookup.aclose()
    await Lookup("redis://127.0.0.1:1", budget_s=1).aclose()
