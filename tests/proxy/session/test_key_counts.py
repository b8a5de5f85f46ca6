"""What keys have used, in a real Valkey."""

import pytest

from backtalk.clock import NS_PER_S
from backtalk.model.chat import Response, Usage
from backtalk.model.facts import CallClosed
from backtalk.model.meter import NoMeter
from backtalk.session.key_counts import KeyCounts, KeySpending, spending
from backtalk.telemetry import Metrics
from backtalk.testing.facts import START_NS, closed_call
from backtalk.testing.redis_servers import ask, every_key, everywhere
from backtalk.virtual_keys import KeyRing, VirtualKey, create

SECRET = b"s" * 32
KEY = VirtualKey("k1", "n", "t", "h", 0, requests_per_minute=5)


def used(key_id: str = "k1", *, cost_usd: float | None = 0.5, tokens: int = 10, at_ns: int = START_NS) -> CallClosed:
    """A call that used something."""
    response = Response(usage=Usage(input_tokens=tokens, output_tokens=tokens))
    return closed_call(key_id=key_id, cost_usd=cost_usd, response=response, closed_ns=at_ns)


@pytest.mark.anyio
async def test_requests_are_counted_a_minute_at_a_time(redis_url: str) -> None:
    """Each call sees itself; a new minute begins at nought."""
    counts = KeyCounts(redis_url, secret=SECRET, metrics=NoMeter(), lookup_ms=2000)
    await counts.warm()
    first = [await counts.count(KEY, START_NS) for _ in range(3)]
    assert [found.requests for found in first if found] == [1, 2, 3]
    later = await counts.count(KEY, START_NS + 60 * NS_PER_S)
    assert later is not None
    assert later.requests == 1
    await counts.aclose()


@pytest.mark.anyio
async def test_what_calls_used_is_seen_by_the_next(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tokens in their minute, dollars in their day; a call without a price adds no dollars."""
    directory = tmp_path_factory.mktemp("keys")
    key = create(directory, "app", budget_usd=9.0).key
    ring = KeyRing(directory)
    worker = KeySpending(redis_url, ring, secret=SECRET, metrics=NoMeter(), timeout_s=2)
    worker.record([used(key.id), used(key.id, cost_usd=None), used("another")])
    counts = KeyCounts(redis_url, secret=SECRET, metrics=NoMeter(), lookup_ms=2000)
    await counts.warm()
    found = await counts.count(key, START_NS)
    assert found is not None
    assert (found.requests, found.tokens) == (1, 40)
    assert found.spent_usd == pytest.approx(0.5)
    await counts.aclose()


def test_every_counter_ends(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No key in Redis is for ever."""
    directory = tmp_path_factory.mktemp("keys")
    key = create(directory, "app").key
    KeySpending(redis_url, KeyRing(directory), secret=SECRET, metrics=NoMeter(), timeout_s=2).record([used(key.id)])
    names = every_key(redis_url)
    assert names
    assert all(name.startswith(b"V:") and 0 < ask(redis_url, "TTL", name) <= 2 * 86_400 for name in names)


def test_a_redis_that_is_away_costs_the_worker_a_count(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What was not counted is itself counted; the facts are the journal's."""
    directory = tmp_path_factory.mktemp("keys")
    key = create(directory, "app").key
    metrics = Metrics("worker")
    spending_ = KeySpending("redis://127.0.0.1:1", KeyRing(directory), secret=SECRET, metrics=metrics, timeout_s=0.2)
    spending_.record([used(key.id)])
    spending_.record([used(key.id)])
    (point,) = metrics.snapshot().points["backtalk.keys.uncounted"]
    assert point.value == 2


def test_calls_without_a_key_or_use_add_nothing() -> None:
    """No command is sent for nothing."""
    assert spending([closed_call(), used("gone"), used(tokens=0, cost_usd=0.0)], [KEY], SECRET) == []


@pytest.mark.anyio
async def test_a_counter_that_redis_evicted_is_made_good(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A full Redis may forget any key; what a virtual key has used is not forgotten with it."""
    directory = tmp_path_factory.mktemp("keys")
    key = create(directory, "app", budget_usd=9.0).key
    worker = KeySpending(redis_url, KeyRing(directory), secret=SECRET, metrics=NoMeter(), timeout_s=2)
    worker.record([used(key.id), used(key.id)])
    everywhere(redis_url, "FLUSHALL")
    worker.record([used(key.id)])
    counts = KeyCounts(redis_url, secret=SECRET, metrics=NoMeter(), lookup_ms=2000)
    await counts.warm()
    found = await counts.count(key, START_NS)
    assert found is not None
    assert found.tokens == 60
    assert found.spent_usd == pytest.approx(1.5)
    await counts.aclose()
