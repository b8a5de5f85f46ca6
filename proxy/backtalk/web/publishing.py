"""How a listening process says its figures: a snapshot file, written anew while anything changes."""

import asyncio
from pathlib import Path
from typing import Final

from backtalk.telemetry import Metrics

_PAUSE_S: Final = 1.0


async def publishing(metrics: Metrics, directory: Path) -> None:
    """Publish for as long as the process lives; nothing is written while nothing changes."""
    before: object = None
    while True:
        points = metrics.snapshot().points
        if points != before:
            metrics.publish(directory)
            before = points
        await asyncio.sleep(_PAUSE_S)
