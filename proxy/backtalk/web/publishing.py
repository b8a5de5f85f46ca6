"""How a listening process says its figures: a snapshot file, written anew while anything changes."""

import asyncio
import logging
from pathlib import Path
from typing import Final

from backtalk.telemetry import Metrics

_PAUSE_S: Final = 1.0
_log = logging.getLogger(__name__)


async def publishing(metrics: Metrics, directory: Path) -> None:
    """Publish for as long as the process lives: nothing while nothing changes, and again what failed."""
    before: object = None
    while True:
        points = metrics.snapshot().points
        if points != before:
            try:
                metrics.publish(directory)
                before = points
            except OSError as error:
                _log.warning("the figures could not be written", extra={"error": str(error)})
        await asyncio.sleep(_PAUSE_S)
