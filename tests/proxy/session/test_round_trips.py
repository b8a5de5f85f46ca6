"""Round trips that many share, on a real Valkey and on connections that fail or hang as told."""

import asyncio
from collections.abc import Sequence

import pytest

from backtalk.session.lookup_connection import connect
from backtalk.session.round_trips import MOST_COMMANDS, Command, RoundTrips
from backtalk.tasks import TaskGroup


class _Gate:
    """Answers each command with itself, once the gate is open; `trips` are the sizes of what was asked."""

    def __init__(self, *failures: OSError) -> None:
        self.trips: list[int] = []
        self.open, self.asked = asyncio.Event(), asyncio.Event()
        self.closed = False
        self._failures = list(failures)

    async def send(self, commands: Sequence[Command]) -> list[object]:
        """Note the size, wait, answer or fail."""
        self.trips.append(len(commands))
        self.asked.set()
        await self.open.wait()
        if self._failures:
            raise self._failures.pop(0)
        return list(commands)

    async def aclose(self) -> None:
        """Be closed."""
        self.closed = True


@pytest.mark.anyio
async def test_what_is_asked_meanwhile_goes_together_and_each_gets_its_own() -> None:
    """One round trip for the first, one for the twenty behind it."""
    gate, tasks = _Gate(), TaskGroup()
    trips = RoundTrips(gate, budget_s=10)
    first = tasks.spawn(trips.send([("GET", "first")]), name="first")
    await gate.asked.wait()
    others = [tasks.spawn(trips.send([("GET", n), ("TTL", n)]), name=f"{n}") for n in range(20)]
    await asyncio.sleep(0)
    gate.open.set()
    assert await first == [("GET", "first")]
    assert [await other for other in others] == [[("GET", n), ("TTL", n)] for n in range(20)]
    assert gate.trips == [1, 40]
    await trips.aclose()
    assert gate.closed


@pytest.mark.anyio
async def test_a_round_trip_is_bounded() -> None:
    """What is more than its commands waits for the next."""
    gate = _Gate()
    gate.open.set()
    trips = RoundTrips(gate, budget_s=10)
    asked = [trips.send([("GET", n)] * (MOST_COMMANDS // 2)) for n in range(5)]
    assert [len(replies) for replies in await asyncio.gather(*asked)] == [MOST_COMMANDS // 2] * 5
    assert gate.trips == [MOST_COMMANDS, MOST_COMMANDS, MOST_COMMANDS // 2]
    await trips.aclose()


@pytest.mark.anyio
async def test_a_round_trip_that_fails_fails_all_in_it_and_none_behind_it() -> None:
    """The error is the connection's."""
    gate = _Gate(ConnectionError("gone"))
    gate.open.set()
    trips = RoundTrips(gate, budget_s=10)
    found = await asyncio.gather(*(trips.send([("GET", n)]) for n in range(3)), return_exceptions=True)
    assert [str(error) for error in found] == ["gone"] * 3
    assert await trips.send([("GET", 4)]) == [("GET", 4)]
    await trips.aclose()


@pytest.mark.anyio
async def test_who_waits_is_told_in_time_when_the_server_hangs() -> None:
    """A round trip may take as long as its oldest asker has; who gave up is left out of the next."""
    gate, tasks = _Gate(), TaskGroup()
    trips = RoundTrips(gate, budget_s=0.05)
    first = tasks.spawn(trips.send([("GET", 1)]), name="first")
    second = tasks.spawn(trips.send([("GET", 2)]), name="second")
    for asker in (first, second):
        with pytest.raises(TimeoutError):
            await asker
    gate.open.set()
    assert await trips.send([("GET", 3)]) == [("GET", 3)]
    await trips.aclose()


@pytest.mark.anyio
async def test_what_redis_refuses_of_one_is_nothing_to_the_others(redis_url: str) -> None:
    """A reply that is an error goes to whom it belongs."""
    trips = RoundTrips(connect(redis_url, 2.0), budget_s=10)
    await trips.send([("SET", "text", "t")])
    found = await asyncio.gather(
        trips.send([("GET", "text")]), trips.send([("LPUSH", "text", 1)]), trips.send([("GET", "none")]),
        return_exceptions=True,
    )  # fmt: skip
    await trips.aclose()
    assert (found[0], found[2]) == ([b"t"], [None])
    assert isinstance(found[1], ConnectionError)
    assert "WRONGTYPE" in str(found[1])


@pytest.mark.anyio
async def test_closing_lets_those_go_who_wait() -> None:
    """They are cancelled, and the connection is closed behind them."""
    gate, tasks = _Gate(), TaskGroup()
    trips = RoundTrips(gate, budget_s=10)
    first = tasks.spawn(trips.send([("GET", 1)]), name="first")
    await gate.asked.wait()
    second = tasks.spawn(trips.send([("GET", 2)]), name="second")
    await asyncio.sleep(0)
    await trips.aclose()
    assert gate.closed
    await asyncio.wait((first, second), timeout=5)
    assert (first.cancelled(), second.cancelled()) == (True, True)
