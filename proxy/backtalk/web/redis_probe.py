"""Whether Redis answers, for probes that may not wait: asked now and then, by one thread, and remembered.

In: a question that may hang. Out: an answer within a bound. The one rule: however many probes come and however long
Redis hangs, one question is under way at a time and no probe waits longer than `wait_s`; not known in time is no.
"""

import asyncio
from collections.abc import Callable
from typing import Final

WAIT_S: Final = 0.3
"""Below the shortest time limit that a probe has (Kubernetes: 1 s)."""
FRESH_S: Final = 2.0


class RedisProbe:
    """Used on one event loop."""

    def __init__(self, ask: Callable[[], bool], *, wait_s: float = WAIT_S, fresh_s: float = FRESH_S) -> None:
        self._ask = ask
        self._wait_s = wait_s
        self._fresh_s = fresh_s
        self._asking: asyncio.Task[bool] | None = None
        self._asked_s = 0.0

    async def answers(self) -> bool:
        """Whether it does; an answer is remembered for `fresh_s`."""
        loop = asyncio.get_running_loop()
        if self._asking is None or (self._asking.done() and loop.time() - self._asked_s >= self._fresh_s):
            self._asked_s = loop.time()
            self._asking = loop.create_task(asyncio.to_thread(self._ask))
        await asyncio.wait((self._asking,), timeout=self._wait_s)
        return self._asking.done() and self._asking.exception() is None and self._asking.result()
