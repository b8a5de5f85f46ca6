"""The commit thread: one sync for all that waits, an answer for everybody who waits, and no error that ends it."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from backtalk import clock
from backtalk.errors import StoreError
from backtalk.model.frames import Heartbeat, decode
from backtalk.process import take_lock
from backtalk.spool import segments
from backtalk.spool.commit import SEGMENT_AGE_NS, Committer
from backtalk.spool.spool import heartbeat
from backtalk.spool.syncing import Waiting
from backtalk.spool.tail import Tail
from backtalk.spool.writer import Stream
from backtalk.telemetry import Metrics
from backtalk.testing.disk import Disk, failing
from backtalk.testing.waiting import await_until, wait_until

pytestmark = pytest.mark.anyio  # the synchronous tests do not mind
Beat = Callable[[int], bytes]


def committer(
    directory: Path,
    metrics: Metrics,
    *,
    limit_bytes: int = 1 << 30,
    beat: Beat = heartbeat,
    segment_bytes: int = 1 << 20,
) -> Committer:
    """A thread that has not begun."""
    lock = take_lock(directory / "lock")
    assert lock is not None
    stream = Stream(directory, "me", segment_bytes)
    return Committer(stream, limit_bytes=limit_bytes, heartbeat=beat, metrics=metrics, lock=lock)


def hand_over(thread: Committer, *waiting: Waiting) -> None:
    """Put payloads into the queue and wake the thread."""
    with thread.guard:
        thread.queue.extend(waiting)
    thread.wake.set()


def end(thread: Committer) -> None:
    """Let it commit what waits, and end."""
    with thread.guard:
        thread.closing = True
    thread.wake.set()
    thread.join()
    os.close(thread.lock)


def payloads(directory: Path) -> list[bytes]:
    """What was written, heartbeats too."""
    found: list[bytes] = []
    with Tail(directory) as tail:
        while records := tail.read():
            found += [record.payload for record in records]
    return found


def pending(count: int) -> "list[asyncio.Future[None]]":
    """Futures of this loop."""
    return [asyncio.get_running_loop().create_future() for _ in range(count)]


async def test_all_that_waits_is_one_group_with_one_sync(tmp_path: Path) -> None:
    """A sync costs milliseconds; a hundred callers share it."""
    metrics = Metrics()
    thread = committer(tmp_path, metrics)
    settled = pending(100)
    hand_over(thread, *(Waiting(b"%d" % number, future) for number, future in enumerate(settled)))
    thread.start()
    await asyncio.gather(*settled)
    assert metrics.snapshot().value("backtalk.spool.syncs") == 1
    assert payloads(tmp_path)[1:101] == [b"%d" % number for number in range(100)]
    end(thread)


async def test_nobody_is_answered_before_the_sync(tmp_path: Path, disk: Disk) -> None:
    """While the disk syncs, the frame is written and its caller still waits."""
    reached, go_on = threading.Event(), threading.Event()

    def slow(path: Path) -> None:
        if path.suffix == segments.SUFFIX and payloads(tmp_path)[-1:] == [b"frame"]:
            reached.set()
            assert go_on.wait(30)

    disk.before = slow
    thread = committer(tmp_path, Metrics())
    thread.start()
    (settled,) = pending(1)
    hand_over(thread, Waiting(b"frame", settled))
    assert await asyncio.to_thread(reached.wait, 30)
    assert not settled.done()
    go_on.set()
    await settled
    end(thread)


async def test_a_failed_sync_is_told_to_all_who_wait_and_to_all_who_come(tmp_path: Path, disk: Disk) -> None:
    """A disk that failed once acknowledges nothing more, and calls are counted as dropped."""
    metrics = Metrics()
    thread = committer(tmp_path, metrics)
    thread.start()
    wait_until(lambda: payloads(tmp_path))
    disk.before = failing()
    for _ in range(2):
        (settled,) = pending(1)
        hand_over(thread, Waiting(b"call"), Waiting(b"feedback", settled))
        with pytest.raises(StoreError) as told:
            await settled
        assert told.value.code == "spool_broken"
    assert thread.refusal is not None
    assert (thread.dropped, metrics.snapshot().value("backtalk.spool.dropped", reason="spool_broken")) == (2, 2)
    end(thread)


async def test_each_waits_on_its_own_loop(tmp_path: Path) -> None:
    """Futures of another thread's loop are settled there; those of a loop that is gone harm nobody."""
    gone = asyncio.new_event_loop()
    lost = gone.create_future()
    gone.close()
    thread = committer(tmp_path, Metrics())
    thread.start()

    async def elsewhere() -> None:
        (settled,) = pending(1)
        hand_over(thread, Waiting(b"lost", lost), Waiting(b"elsewhere", settled))
        await settled

    (here,) = pending(1)
    await asyncio.to_thread(asyncio.run, elsewhere())
    hand_over(thread, Waiting(b"here", here))
    await here
    end(thread)
    assert not lost.done()


async def test_calls_are_dropped_before_feedback_is_refused(tmp_path: Path) -> None:
    """The last sixteenth of the limit is kept for what is to be acknowledged."""
    thread = committer(tmp_path, Metrics(), limit_bytes=16_000)
    thread.start()
    first, second, third = pending(3)
    hand_over(thread, Waiting(bytes(15_200), first))
    await first
    hand_over(thread, Waiting(b"call"))
    wait_until(lambda: thread.dropped == 1)
    hand_over(thread, Waiting(bytes(900), second))
    await second
    hand_over(thread, Waiting(b"feedback", third))
    with pytest.raises(StoreError, match="full"):
        await third
    end(thread)


def test_a_heartbeat_says_how_many_were_dropped(tmp_path: Path) -> None:
    """The worker learns from the stream itself that it is not whole."""
    thread = committer(tmp_path, Metrics())
    thread.drop("queue_full", 3)
    thread.start()
    wait_until(lambda: payloads(tmp_path))
    frame = decode(payloads(tmp_path)[0])
    assert isinstance(frame, Heartbeat)
    assert frame.dropped == 3
    end(thread)


async def test_an_old_segment_is_closed_on_a_quiet_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raw bodies do not stay for want of later traffic: the worker can delete a segment behind which another begins."""
    present = clock.monotonic_ns()
    thread = committer(tmp_path, Metrics())
    thread.start()
    (settled,) = pending(1)
    hand_over(thread, Waiting(b"body", settled))
    await settled
    assert len(segments.listing(tmp_path)) == 1
    monkeypatch.setattr("backtalk.clock.monotonic_ns", lambda: present + 2 * SEGMENT_AGE_NS)

    async def rolled() -> bool:
        return len(segments.listing(tmp_path)) == 2

    await await_until(rolled)
    end(thread)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_whatever_ends_the_thread_nobody_waits_for_ever(tmp_path: Path) -> None:
    """Those who wait are told, and the spool takes nothing more."""

    def unable(dropped: int) -> bytes:
        raise RuntimeError(dropped)

    thread = committer(tmp_path, Metrics(), beat=unable)
    (settled,) = pending(1)
    hand_over(thread, Waiting(b"feedback", settled))
    thread.start()
    with pytest.raises(StoreError):
        await settled
    thread.join()
    assert thread.closing
    os.close(thread.lock)


NO_DESCRIPTORS: Final = """
import asyncio, os, sys
from pathlib import Path
from backtalk.errors import StoreError
from backtalk.settings import SpoolSettings
from backtalk.spool.spool import Spool
from backtalk.telemetry import Metrics

async def main():
    spool = Spool.open(Path(sys.argv[1]), SpoolSettings(segment_bytes=4000, limit_bytes=20_000), metrics=Metrics())
    await spool.put(b"a segment is begun")
    taken = []
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        pass
    await asyncio.wait_for(spool.put(b"x" * 5000), 20)  # with it the segment is full
    try:
        await asyncio.wait_for(spool.put(b"refused"), 20)
    except StoreError as error:
        print(error.code)
    for descriptor in taken:
        os.close(descriptor)
    await asyncio.wait_for(spool.put(b"taken again"), 20)
    await spool.aclose()

asyncio.run(main())
"""


def test_a_process_without_free_descriptors_refuses_and_recovers(tmp_path: Path) -> None:
    """A flood of connections may leave none for the next segment: that is a refusal, and not the thread's end."""
    words = [sys.executable, "-c", NO_DESCRIPTORS, str(tmp_path)]
    done = subprocess.run(words, check=True, capture_output=True, timeout=50)
    assert done.stdout == b"spool_full\n"
    (owner,) = tmp_path.iterdir()
    assert [found for found in payloads(owner) if found.startswith((b"x", b"taken"))] == [b"x" * 5000, b"taken again"]
