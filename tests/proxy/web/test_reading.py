"""Reads beside the listener: one that hangs costs only itself."""

import threading
from collections.abc import Callable, Iterator

import pytest

from backtalk.errors import StoreError
from backtalk.tasks import TaskGroup
from backtalk.testing.waiting import await_until
from backtalk.web.reading import MOST_THREADS, MOST_WAITING, Reading

pytestmark = pytest.mark.anyio


class Source:
    """What one thread may use: it says whose it is, and hangs when told to."""

    def __init__(self, free: threading.Event, began: threading.Event) -> None:
        self._free = free
        self._began = began
        self.thread = threading.current_thread()
        self.asked = 0

    def name(self) -> threading.Thread:
        """The thread that made it, which must be the one that asks."""
        self.asked += 1
        assert threading.current_thread() is self.thread
        return self.thread

    def hang(self) -> threading.Thread:
        """Answer once that is allowed."""
        self._began.set()
        assert self._free.wait(60)
        return self.thread


@pytest.fixture
def free() -> Iterator[threading.Event]:
    """Lets go of all that hang."""
    free = threading.Event()
    yield free
    free.set()


@pytest.fixture
def made() -> list[Source]:
    """What threads use, one each."""
    return []


@pytest.fixture
def make(free: threading.Event, began: threading.Event, made: list[Source]) -> Callable[[], Source]:
    """Makes what a thread uses."""

    def make() -> Source:
        made.append(Source(free, began))
        return made[-1]

    return make


@pytest.fixture
def began() -> threading.Event:
    """Set once one hangs."""
    return threading.Event()


async def until(event: threading.Event) -> None:
    """Wait beside the loop."""

    async def is_set() -> bool:
        return event.is_set()

    await await_until(is_set)


async def test_one_thread_answers_while_nothing_hangs(make: Callable[[], Source]) -> None:
    """What it uses is made once, by itself; errors reach the one who asked."""
    reading = Reading(make)
    assert await reading.ask(Source.name) == await reading.ask(Source.name) != threading.current_thread()

    def fail(source: Source) -> None:
        raise KeyError(source.asked)

    with pytest.raises(KeyError, match="2"):
        await reading.ask(fail)
    reading.close()


async def test_others_are_answered_while_a_read_hangs(
    make: Callable[[], Source], free: threading.Event, began: threading.Event
) -> None:
    """By another thread, with its own source; the answer that took long comes all the same, if it comes in time."""
    reading = Reading(make, patience_s=0.01)
    hanging = TaskGroup().spawn(reading.ask(Source.hang), name="hangs")
    await until(began)
    other = await reading.ask(Source.name)
    assert other == await reading.ask(Source.name)
    assert not hanging.done()
    free.set()
    assert await hanging != other
    reading.close()


async def test_a_read_that_hangs_is_given_up_with_a_reason(make: Callable[[], Source]) -> None:
    """After the deadline, and not when it ends."""
    reading = Reading(make, deadline_s=0.05, patience_s=0.01)
    with pytest.raises(StoreError, match=r"did not answer within 0.05 s") as refused:
        await reading.ask(Source.hang)
    assert (refused.value.code, refused.value.status) == ("ledger_slow", 503)
    reading.close()


async def test_threads_that_hang_are_bounded_and_come_back(
    make: Callable[[], Source], made: list[Source], free: threading.Event
) -> None:
    """When all hang, questions wait for their deadline; when they are free, there are answers again."""
    tasks = TaskGroup()
    reading = Reading(make, patience_s=0.01)
    hanging = [tasks.spawn(reading.ask(Source.hang), name="hangs") for _ in range(2 * MOST_THREADS)]

    async def all_hang() -> bool:
        return sum(source.thread.is_alive() for source in made) == MOST_THREADS

    await await_until(all_hang)
    waiting = tasks.spawn(reading.ask(Source.name), name="waits")
    free.set()
    answers = [await one for one in (waiting, *hanging)]
    assert set(answers) <= {source.thread for source in made}

    async def one_is_left() -> bool:
        return sum(source.thread.is_alive() for source in made) == 1

    await await_until(one_is_left)
    reading.close()


async def test_reads_that_wait_are_bounded(
    make: Callable[[], Source], free: threading.Event, began: threading.Event
) -> None:
    """What comes on top is refused at once, and says so."""
    tasks = TaskGroup()
    reading = Reading(make)
    waiting = [tasks.spawn(reading.ask(Source.hang), name="waits") for _ in range(MOST_WAITING)]
    await until(began)
    with pytest.raises(StoreError) as refused:
        await reading.ask(Source.name)
    assert refused.value.code == "ledger_busy"
    free.set()
    for one in waiting:
        await one
    await reading.ask(Source.name)
    reading.close()
