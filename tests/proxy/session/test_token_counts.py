"""How much each token has given: in a real Valkey, across replicas, and without it."""

import pytest

from backtalk.model.meter import NoMeter
from backtalk.session import keys
from backtalk.session.token_counts import TokenCounts
from backtalk.testing.redis_servers import ask

SECRET = b"s" * 32


def counts(url: str | None, *, remembered: int = 100) -> TokenCounts:
    """The counters of one process."""
    return TokenCounts(url, secret=SECRET, metrics=NoMeter(), lookup_ms=2000, remembered=remembered)


@pytest.mark.anyio
async def test_a_token_gives_so_much_on_all_replicas_together(redis_url: str) -> None:
    """Two processes share one count; another token has its own; every counter ends with its token."""
    one, two = counts(redis_url), counts(redis_url)
    await one.warm()
    await two.warm()
    allowed = [await replica.allows("t", 1, limit=3, ttl_s=60) for replica in (one, two, one, two)]
    assert allowed == [True, True, True, False]
    assert await one.allows("other", 3, limit=3, ttl_s=60)
    assert not await one.allows("third", 4, limit=3, ttl_s=60)
    assert 0 < ask(redis_url, "TTL", keys.token(SECRET, "t")) <= 60
    await one.aclose()
    await two.aclose()


@pytest.mark.anyio
@pytest.mark.parametrize("url", [None, "unix:///nowhere/redis.sock"])
async def test_without_redis_each_process_holds_the_limit_alone(url: str | None) -> None:
    """Feedback is not lost because Redis is away, and a leaked token is not without bounds either."""
    alone = counts(url)
    assert [await alone.allows("t", 1, limit=2, ttl_s=60) for _ in range(4)] == [True, True, False, False]
    await alone.aclose()


@pytest.mark.anyio
async def test_memory_of_tokens_is_bounded() -> None:
    """The one used longest ago is forgotten first."""
    alone = counts(None, remembered=2)
    for token in ("a", "b", "a", "c"):
        assert await alone.allows(token, 1, limit=2, ttl_s=60)
    assert not await alone.allows("a", 1, limit=2, ttl_s=60)
    assert await alone.allows("b", 2, limit=2, ttl_s=60)
