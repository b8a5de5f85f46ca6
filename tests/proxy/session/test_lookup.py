"""The way to Redis is opened once, when it is needed."""

import asyncio
from pathlib import Path

import pytest

from backtalk.session.lookup import LoadingError, Lookup


@pytest.mark.anyio
async def test_everybody_shares_the_one_connection(redis_url: str) -> None:
    """Those who ask at the same time too; nothing needs to be warm."""
    lookup = Lookup(redis_url, budget_s=5)
    first, second = await asyncio.gather(lookup.send([("SET", "a", "1")]), lookup.send([("GET", "a")]))
    assert (first, second) == ([b"OK"], [b"1"])
    await lookup.aclose()


@pytest.mark.anyio
async def test_a_waiter_whose_time_is_up_does_not_stop_the_loading(redis_url: str) -> None:
    """It is told that this says nothing of Redis; the next one finds the library loaded."""
    lookup = Lookup(redis_url, budget_s=0)
    with pytest.raises(LoadingError):
        await lookup.send([("PING",)])
    await lookup.warm()
    with pytest.raises(TimeoutError) as caught:
        await lookup.send([("PING",)])
    assert not isinstance(caught.value, LoadingError)
    await lookup.aclose()


@pytest.mark.anyio
async def test_a_redis_that_is_away_is_an_os_error(tmp_path: Path) -> None:
    """Whoever asks knows one kind of failure; what was never opened closes too."""
    lookup = Lookup(f"unix://{tmp_path}/nobody.sock", budget_s=1)
    with pytest.raises(OSError, match=r"."):
        await lookup.send([("PING",)])
    await lookup.aclose()
    await Lookup("redis://127.0.0.1:1", budget_s=1).aclose()
