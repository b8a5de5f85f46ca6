"""A spool for a process that seldom writes."""

import asyncio
from pathlib import Path

from backtalk.settings import SpoolSettings
from backtalk.spool import Spool
from backtalk.spool.late import LateSpool
from backtalk.spool.spool import heartbeat
from backtalk.telemetry import Metrics


async def _written(root: Path, *payloads: bytes) -> None:
    late = LateSpool(lambda: Spool.open(root, SpoolSettings(), metrics=Metrics()))
    for payload in payloads:
        await late.put(payload)
    await late.aclose()


def test_a_directory_appears_with_the_first_frame(tmp_path: Path) -> None:
    """What was put is on disk, in one directory."""
    frames = [heartbeat(7), heartbeat(8)]
    asyncio.run(_written(tmp_path, *frames))
    (directory,) = tmp_path.iterdir()
    kept = b"".join(file.read_bytes() for file in sorted(directory.iterdir()) if file.is_file())
    assert all(frame in kept for frame in frames)


def test_one_that_never_wrote_leaves_no_trace(tmp_path: Path) -> None:
    """The worker has nothing to look at."""
    asyncio.run(_written(tmp_path))
    assert list(tmp_path.iterdir()) == []
