"""Reads that may take long, in a thread beside the listener; a read that hangs costs only itself.

In: questions to something that one thread may use. Out: answers, or a 503 that says why. The one rule: a thread that
has been with one question for too long is left to it, and the others go to a new one; how many threads are left that
way and how many questions wait is bounded.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Generic, TypeVar

from backtalk.errors import StoreError

_Source = TypeVar("_Source")
_Answer = TypeVar("_Answer")

DEADLINE_S: Final = 20.0
"""After so long a question is given up."""
PATIENCE_S: Final = 3.0
"""How long a question waits for those before it; then it goes to another thread."""
MOST_THREADS: Final = 4
MOST_WAITING: Final = 64


class _Lane(Generic[_Source]):
    """One thread and what it alone uses."""

    def __init__(self, make: Callable[[], _Source]) -> None:
        self._make = make
        self._source: _Source | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reads")

    def submit(self, ask: Callable[[_Source], _Answer]) -> "Future[_Answer]":
        """Ask, after those that asked before."""
        return self._thread.submit(self._run, ask)

    def close(self) -> None:
        """Take nothing more; what was asked is not waited for."""
        self._thread.shutdown(wait=False)

    def _run(self, ask: Callable[[_Source], _Answer]) -> _Answer:
        if self._source is None:
            self._source = self._make()
        return ask(self._source)


class Reading(Generic[_Source]):
    """Asks what `make` makes, in a thread that makes its own; used on one event loop."""

    def __init__(
        self, make: Callable[[], _Source], *, deadline_s: float = DEADLINE_S, patience_s: float = PATIENCE_S
    ) -> None:
        self._make = make
        self._deadline_s = deadline_s
        self._patience_s = patience_s
        self._lane = _Lane(make)
        self._left: set[Future[None]] = set()
        self._waiting = 0

    async def ask(self, question: Callable[[_Source], _Answer]) -> _Answer:
        """The answer; raises `StoreError` where it does not come in time or too many wait already."""
        if self._waiting >= MOST_WAITING:
            message = f"{MOST_WAITING} reads wait already; try again soon"
            raise StoreError(message, code="ledger_busy")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._answer(question)
        except TimeoutError as error:
            message = f"the ledger did not answer within {self._deadline_s:g} s"
            raise StoreError(message, code="ledger_slow") from error
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Take no more questions; the thread ends with the one it has."""
        self._lane.close()

    async def _answer(self, question: Callable[[_Source], _Answer]) -> _Answer:
        while True:
            lane = self._lane
            asked = lane.submit(question)
            answer = asyncio.wrap_future(asked)
            try:
                done, _ = await asyncio.wait((answer,), timeout=self._patience_s)
                if done or not asked.cancel():
                    return await answer
            finally:
                answer.cancel()  # what has not begun leaves the thread's queue
            self._leave(lane)

    def _leave(self, lane: _Lane[_Source]) -> None:
        """Go on with another thread, unless that was done already or too many are left."""
        self._left = {freed for freed in self._left if not freed.done()}
        if lane is self._lane and len(self._left) < MOST_THREADS - 1:
            self._left.add(lane.submit(_nothing))
            lane.close()
            self._lane = _Lane(self._make)


def _nothing(source: object) -> None:
    """Be the last question to a thread: once it is answered, the thread has come to its end."""
    del source
