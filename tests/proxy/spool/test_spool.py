"""The spool: offered frames come soon, put frames are durable, a full disk costs frames and says so."""

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from backtalk.errors import StoreError
from backtalk.model.frames import Heartbeat, decode
from backtalk.process import is_locked
from backtalk.settings import SpoolSettings
from backtalk.spool.spool import LOCK, Spool
from backtalk.spool.tail import Tail
from backtalk.telemetry import Metrics
from backtalk.testing.disk import Disk
from backtalk.testing.waiting import await_until, wait_until

pytestmark = pytest.mark.anyio  # the synchronous tests do not mind


def open_spool(root: Path, **changes: float) -> Spool:
    """A spool with the given settings."""
    return Spool.open(root, SpoolSettings.model_validate(changes), metrics=Metrics())


def written(directory: Path) -> list[bytes]:
    """Every frame but the heartbeats."""
    got = list[bytes]()
    with Tail(directory) as tail:
        while records := tail.read():
            got += [record.payload for record in records if not is_heartbeat(record.payload)]
    return got


def is_heartbeat(payload: bytes) -> bool:
    """Whether a payload is one."""
    return payload.startswith(b"\x94\xa1h")


async def test_a_put_frame_is_there_on_return(tmp_path: Path) -> None:
    """What was acknowledged can be read at once, together with what was offered before."""
    spool = open_spool(tmp_path, flush_ms=10_000)
    assert spool.offer(b"offered")
    await spool.put(b"put")
    assert written(spool.directory) == [b"offered", b"put"]
    await spool.aclose()


async def test_the_name_of_a_spool_is_on_disk_before_anything_is_put(tmp_path: Path, disk: Disk) -> None:
    """A frame is durable only in a directory that is."""
    spool = open_spool(tmp_path / "spools")
    assert disk.synced[:2] == [tmp_path, tmp_path / "spools"]
    await spool.aclose()


async def test_an_offered_frame_is_there_soon(tmp_path: Path) -> None:
    """Without any put it comes within the flush time."""
    spool = open_spool(tmp_path, flush_ms=20)
    spool.offer(b"offered")

    async def there() -> bool:
        return written(spool.directory) == [b"offered"]

    await await_until(there, 2)
    await spool.aclose()


async def test_closing_writes_what_waits_and_frees_the_lock(tmp_path: Path) -> None:
    """A clean end loses nothing; the directory is then a dead owner's."""
    spool = open_spool(tmp_path, flush_ms=10_000)
    assert is_locked(spool.directory / LOCK)
    spool.offer(b"last")
    await spool.aclose()
    assert written(spool.directory) == [b"last"]
    assert not is_locked(spool.directory / LOCK)
    assert not spool.offer(b"too late")
    with pytest.raises(StoreError):
        await spool.put(b"too late")
    assert spool.dropped == 1


async def test_an_idle_spool_writes_heartbeats(tmp_path: Path) -> None:
    """The first at once, others follow, so that the worker's watermark passes."""
    spool = open_spool(tmp_path)

    async def two() -> bool:
        with Tail(spool.directory) as tail:
            return [type(decode(r.payload)) for r in tail.read()][:2] == [Heartbeat, Heartbeat]

    await await_until(two, 5)
    await spool.aclose()


async def test_many_puts_share_few_commits(tmp_path: Path) -> None:
    """Everything that waits goes in one group; all are there, each once."""
    spool = open_spool(tmp_path)
    payloads = [b"%d" % number for number in range(500)]
    await asyncio.gather(*(spool.put(payload) for payload in payloads))
    assert Counter(written(spool.directory)) == Counter(payloads)
    await spool.aclose()


async def test_memory_is_bounded(tmp_path: Path) -> None:
    """What exceeds the queue is refused at once and counted."""
    spool = open_spool(tmp_path, queue_bytes=1000, flush_ms=10_000)
    assert [spool.offer(b"x" * 400) for _ in range(3)] == [True, True, False]
    assert spool.dropped == 1
    with pytest.raises(StoreError) as refused:
        await spool.put(b"y" * 400)
    assert refused.value.code == "spool_full"
    await spool.aclose()


async def put_many(spool: Spool, count: int) -> None:
    """Put kilobytes."""
    for _ in range(count):
        await spool.put(b"x" * 1000)


async def test_a_full_spool_refuses_and_recovers_once_segments_are_deleted(tmp_path: Path) -> None:
    """Calls are dropped first, feedback is refused at the limit; both are taken again when the worker made room."""
    spool = open_spool(tmp_path, limit_bytes=40_000, segment_bytes=10_000)
    with pytest.raises(StoreError) as refused:
        await put_many(spool, 100)
    assert refused.value.code == "spool_full"
    assert not spool.offer(b"call")
    for path in sorted(spool.directory.glob("*.seg"))[:-1]:
        path.unlink()
    await spool.put(b"feedback")

    async def takes_calls() -> bool:
        return spool.refusal is None

    await await_until(takes_calls, 3)
    assert spool.offer(b"call")
    await spool.aclose()


def test_a_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    """No acknowledgement without room; what was acknowledged stays; with room it goes on."""
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path)], check=True, capture_output=True, timeout=30)
    said = done.stdout.decode().split()
    assert said[1] == "spool_full"
    acknowledged = int(said[0]) + int(said[2])
    (owner,) = tmp_path.iterdir()
    puts = [p for p in written(owner) if p.startswith(b"put")]
    assert len(puts) == len(set(puts)) == acknowledged
    assert {b"put%06d" % n for n in range(int(said[0]))} <= {p[:9] for p in puts}


FULL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from backtalk.errors import StoreError
from backtalk.settings import SpoolSettings
from backtalk.spool.spool import Spool
from backtalk.telemetry import Metrics

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

async def main():
    spool = Spool.open(Path(sys.argv[1]), SpoolSettings(), metrics=Metrics())
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
    count = 0
    try:
        while True:
            await spool.put(b"put%06d" % count + b"x" * 500)
            count += 1
    except StoreError as error:
        print(count, error.code)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for number in range(10):
        await spool.put(b"put%06d" % (count + 1 + number) + b"x" * 500)
    print(10)
    await spool.aclose()

asyncio.run(main())
"""


PUTTER = """
import asyncio, os, sys
from pathlib import Path
from backtalk.settings import SpoolSettings
from backtalk.spool.spool import Spool
from backtalk.telemetry import Metrics

async def one(spool, lane):
    number = 0
    while True:
        name = f"{os.getpid()}-{lane}-{number}".encode()
        await spool.put(name + b" " * (number % 700))
        os.write(1, name + b"\\n")
        number += 1

async def main():
    spool = Spool.open(Path(sys.argv[1]), SpoolSettings(segment_bytes=20_000), metrics=Metrics())
    await asyncio.gather(*(one(spool, lane) for lane in range(8)))

asyncio.run(main())
"""


def kill_while_putting(root: Path, *, acknowledged: int) -> set[bytes]:
    """Start a process that puts, kill it once so many were acknowledged; returns what it acknowledged."""
    with subprocess.Popen([sys.executable, "-c", PUTTER, str(root)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(acknowledged)]
        child.kill()
        said += child.stdout.readlines()
    return {line.rstrip(b"\n") for line in said if line.endswith(b"\n")}


def check_kills(root: Path, kills: int) -> None:
    """Every acknowledged frame is found, none twice, after each of many kills."""
    told = set[bytes]()
    for number in range(kills):
        told |= kill_while_putting(root, acknowledged=10 + 37 * number % 211)
    found = Counter[bytes]()
    for owner in root.iterdir():
        assert not is_locked(owner / LOCK)
        found.update(payload.rstrip(b" ") for payload in written(owner))
    assert told <= found.keys()
    assert set(found.values()) == {1}


def test_nothing_acknowledged_is_lost_in_dozens_of_kills(tmp_path: Path) -> None:
    """SIGKILL at arbitrary moments of group commits and rolls."""
    check_kills(tmp_path, 12)


@pytest.mark.chaos
@pytest.mark.timeout(1200)
def test_nothing_acknowledged_is_lost_in_hundreds_of_kills(tmp_path: Path) -> None:
    """The same, long."""
    check_kills(tmp_path, 300)


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    """A directory whose process was killed is a dead owner's at once."""
    kill_while_putting(tmp_path, acknowledged=5)
    (owner,) = tmp_path.iterdir()
    wait_until(lambda: not is_locked(owner / LOCK), 2)
