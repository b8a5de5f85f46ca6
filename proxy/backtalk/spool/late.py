"""A spool that is opened with its first frame: for a process that seldom has anything to say.

In: frames. Out: the same promise as a spool's own `put`. The one rule: a process that says nothing leaves no directory
for the worker to look at.
"""

from collections.abc import Callable

from backtalk.spool.spool import Spool


class LateSpool:
    """Opens a spool when it is needed; used on one event loop."""

    def __init__(self, make: Callable[[], Spool]) -> None:
        self._make = make
        self._spool: Spool | None = None

    async def put(self, payload: bytes) -> None:
        """Return once the frame is durable; raises `StoreError` where it cannot be."""
        if self._spool is None:
            self._spool = self._make()
        await self._spool.put(payload)

    async def aclose(self) -> None:
        """Let the directory go, if there is one."""
        if self._spool is not None:
            await self._spool.aclose()
