"""Figures are said while they change, and a disk that is away for a while ends nothing."""

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from backtalk.tasks import TaskGroup
from backtalk.telemetry import Metrics, read_all
from backtalk.testing.waiting import await_until
from backtalk.web.publishing import publishing

pytestmark = pytest.mark.anyio
SYNCS = "backtalk.spool.syncs"


@contextlib.asynccontextmanager
async def published(*pairs: tuple[Metrics, Path]) -> AsyncGenerator[None]:
    """Publish each while the block runs."""
    tasks = TaskGroup()
    for metrics, directory in pairs:
        tasks.spawn(publishing(metrics, directory), name="publish metrics")
    yield
    await tasks.aclose()


async def reads(directory: Path, count: int) -> None:
    """Wait until the figures on disk are these."""

    async def there() -> bool:
        return read_all(directory).value(SYNCS) == count

    await await_until(there, 30, what=f"{count} on disk")


async def test_what_changes_is_said(tmp_path: Path) -> None:
    """At once at the start, and again after each change."""
    metrics = Metrics("proxy")
    metrics.add(SYNCS, 1)
    async with published((metrics, tmp_path)):
        await reads(tmp_path, 1)
        metrics.add(SYNCS, 4)
        await reads(tmp_path, 5)


async def test_while_nothing_changes_nothing_is_written(tmp_path: Path) -> None:
    """An idle proxy does not wear the disk; the busy one beside it shows that time has passed."""
    idle, busy = Metrics("proxy"), Metrics("proxy")
    idle.add(SYNCS, 1)
    async with published((idle, tmp_path / "idle"), (busy, tmp_path / "busy")):
        await reads(tmp_path / "idle", 1)
        (file,) = (tmp_path / "idle").iterdir()
        before = file.stat()
        for count in (1, 2):
            busy.add(SYNCS, 1)
            await reads(tmp_path / "busy", count)
        after = file.stat()
        assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


async def test_a_disk_that_is_away_is_waited_for(tmp_path: Path) -> None:
    """The figures are said when it is there again, for as long as the process lives."""
    metrics = Metrics("proxy")
    metrics.add(SYNCS, 1)
    directory = tmp_path / "metrics"
    directory.write_bytes(b"a file where the directory belongs")
    async with published((metrics, directory), (metrics, tmp_path / "beside")):
        await reads(tmp_path / "beside", 1)
        directory.unlink()
        await reads(directory, 1)
