"""Figures of the ledger that are counted anew for as long as the process lives.

In: a count. Out: its passing again and again. The one rule: it takes a hundredth of the time at most, however large the
ledger is, and a ledger that cannot be read is said and asked again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from backtalk import clock
from backtalk.errors import BacktalkError

_log = logging.getLogger(__name__)
_SHARE: Final = 100


async def count_for_ever(count: Callable[[int], Awaitable[None]], pause_s: float, what: str) -> None:
    """Count as of now, first after a pause, so that a start is not slowed; `what` is named where it fails."""
    wait_s = pause_s
    while True:
        await asyncio.sleep(wait_s)
        began_ns = clock.monotonic_ns()
        try:
            await count(clock.now().wall_ns)
        except BacktalkError as error:
            _log.warning("%s cannot be counted", what, extra={"error": error.message})
        wait_s = max(pause_s, _SHARE * (clock.monotonic_ns() - began_ns) / clock.NS_PER_S)
