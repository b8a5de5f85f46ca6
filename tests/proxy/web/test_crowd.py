"""More clients than a process serves."""

import resource

import pytest

from backtalk.telemetry import Metrics
from backtalk.testing.raw_client import RawClient
from backtalk.testing.running import error_of, not_here, serving
from backtalk.testing.waiting import await_until
from backtalk.web.crowd import MOST_REFUSED, Crowd, most_connections


@pytest.mark.anyio
async def test_a_client_above_the_limit_is_told_at_once_and_counted() -> None:
    """It gets a 503 that names the setting before it has said anything; those who are there are served on."""
    metrics = Metrics("proxy")
    async with serving(not_here, crowd=Crowd(1, metrics)) as port, await RawClient.to(port) as first:
        assert (await first.request("GET", "/")).keep_alive
        async with await RawClient.to(port) as second:
            refused = await second.response()
            assert (refused.status, refused.value("retry-after"), refused.keep_alive) == (503, "1", False)
            assert error_of(refused)["code"] == "too_many_connections"
            assert "web.max_connections" in error_of(refused)["message"]
            assert refused.value("x-request-id")
        assert (await first.request("GET", "/")).keep_alive
    assert metrics.snapshot().value("backtalk.web.connections_refused") == 1


@pytest.mark.anyio
async def test_a_place_that_is_free_again_is_given_to_the_next() -> None:
    """A limit counts those who are connected now."""
    async with serving(not_here, crowd=Crowd(1)) as port:

        async def served() -> bool:
            async with await RawClient.to(port) as client:
                return (await client.request("GET", "/")).keep_alive

        for _ in range(3):
            await await_until(served, 10, what="a place")


def test_being_told_is_bounded_too() -> None:
    """A flood beyond that is closed without a word."""
    crowd = Crowd(10)
    assert crowd.farewell(10) is None
    assert b" 503 " in (crowd.farewell(10 + MOST_REFUSED) or b"")
    assert crowd.farewell(11 + MOST_REFUSED) == b""


def test_the_limit_fits_the_files_that_may_be_open() -> None:
    """A call may need two of them; the soft limit is raised as far as it goes."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert most_connections(5) == 5
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == hard
    if hard != resource.RLIM_INFINITY:
        assert most_connections(hard) < hard / 2
