"""Syncing: a slow disk holds up acknowledgements, never the frames on their way into the file."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backtalk.errors import StoreError
from backtalk.model.frames import Heartbeat, decode, encode
from backtalk.settings import SpoolSettings
from backtalk.spool import segments
from backtalk.spool.frame import pack
from backtalk.spool.spool import Spool
from backtalk.spool.tail import Tail
from backtalk.spool.writer import BrokenError, Stream, Writer
from backtalk.tasks import TaskGroup
from backtalk.telemetry import Metrics
from backtalk.testing.disk import Disk
from backtalk.testing.waiting import await_until

pytestmark = pytest.mark.anyio  # the synchronous tests do not mind


class SlowDisk:
    """Syncs of segments wait until the disk is free."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.asked = 0

    def before(self, path: Path) -> None:
        """Hold up a sync."""
        if path.suffix == segments.SUFFIX:
            self.asked += 1
            self.free.wait()


@pytest.fixture
def slow(disk: Disk) -> Iterator[SlowDisk]:
    """A disk that is not free before the test says so."""
    slow = SlowDisk()
    disk.before = slow.before
    yield slow
    slow.free.set()


def frames(directory: Path) -> list[bytes]:
    """What lies in the files, but for heartbeats."""
    with Tail(directory) as tail:
        records = tail.read(1 << 30)
    return [record.payload for record in records if not record.payload.startswith(b"\x94\xa1h")]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that needs no waiting itself."""

    async def holds() -> bool:
        return condition()

    await await_until(holds)


async def test_what_is_offered_while_the_disk_syncs_is_written_at_once(tmp_path: Path, slow: SlowDisk) -> None:
    """A kill of the process may come while a sync takes seconds: the calls that end meanwhile survive it."""
    spool = Spool.open(tmp_path, SpoolSettings(flush_ms=1), metrics=Metrics())
    put = TaskGroup().spawn(spool.put(b"put"), name="put")
    await until(lambda: slow.asked > 0)
    assert spool.offer(b"offered")
    await until(lambda: frames(spool.directory) == [b"put", b"offered"])
    assert not put.done()
    slow.free.set()
    await put
    await spool.aclose()


async def test_a_put_waits_for_a_sync_that_began_behind_it(tmp_path: Path, slow: SlowDisk) -> None:
    """The sync that runs when a frame is written does not cover it: the next one does."""
    tasks = TaskGroup()
    spool = Spool.open(tmp_path, SpoolSettings(), metrics=Metrics())
    first = tasks.spawn(spool.put(b"first"), name="first")
    await until(lambda: slow.asked == 1)
    second = tasks.spawn(spool.put(b"second"), name="second")
    await until(lambda: frames(spool.directory) == [b"first", b"second"])
    slow.free.set()
    await first
    await second
    assert slow.asked == 2
    await spool.aclose()


async def test_what_waits_for_a_slow_disk_is_bounded(tmp_path: Path, slow: SlowDisk) -> None:
    """Written and not synced counts as waiting, so that a disk that hangs is noticed before memory is full."""
    spool = Spool.open(tmp_path, SpoolSettings(queue_bytes=1000, flush_ms=1), metrics=Metrics())
    assert spool.offer(b"x" * 900)
    await until(lambda: slow.asked > 0)
    assert not spool.offer(b"y" * 200)
    with pytest.raises(StoreError):
        await spool.put(b"y" * 200)
    slow.free.set()
    await until(lambda: spool.offer(b"z" * 900))
    await spool.aclose()


def test_a_sync_covers_the_segments_that_were_left_behind(tmp_path: Path, disk: Disk) -> None:
    """Rolling syncs nothing itself; the next sync takes every file since the last, and then their names."""
    writer = Writer(Stream(tmp_path, "me", 20))
    for _ in range(3):
        writer.append([pack(b"x" * 20)])
    assert disk.synced == []
    before = len(list(Path("/proc/self/fd").iterdir()))
    writer.sync()
    assert disk.synced[:3] == [segment.path for segment in segments.listing(tmp_path)]
    assert set(disk.synced[3:]) == {tmp_path}
    assert len(list(Path("/proc/self/fd").iterdir())) == before - 5  # two files and three times the directory
    writer.close()


def test_segments_roll_while_another_thread_syncs(tmp_path: Path) -> None:
    """No frame is lost and no sync meets a file that is closed, however the two threads meet."""
    writer = Writer(Stream(tmp_path, "me", 100))
    over = threading.Event()
    failed: list[BrokenError] = []

    def sync() -> None:
        while not over.is_set():
            try:
                writer.sync()
            except BrokenError as error:
                failed.append(error)
                return

    thread = threading.Thread(target=sync)
    thread.start()
    beats = [encode(Heartbeat(number, number)) for number in range(2000)]
    for beat in beats:
        writer.append([pack(beat)])
    over.set()
    thread.join()
    writer.close()
    assert failed == []
    with Tail(tmp_path) as tail:
        found = list(iter(lambda: tail.read(1 << 20), []))
    assert [decode(record.payload) for records in found for record in records] == [decode(beat) for beat in beats]
