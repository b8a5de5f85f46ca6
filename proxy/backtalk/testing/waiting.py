"""Waits for a condition instead of sleeping: the test goes on at once when it holds, and fails with a word when not."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from backtalk import clock

_T = TypeVar("_T")
_PAUSE_S: Final = 0.01


def wait_until(predicate: Callable[[], _T | None], timeout_s: float = 5.0, *, what: str = "the condition") -> _T:
    """Return the first true value of `predicate`; raises `TimeoutError` naming `what` when none came in time."""
    deadline_ns = clock.monotonic_ns() + int(timeout_s * clock.NS_PER_S)
    while not (value := predicate()):
        if clock.monotonic_ns() > deadline_ns:
            raise TimeoutError(f"{what} did not hold within {timeout_s} s; last value: {value!r}")
        time.sleep(_PAUSE_S)
    return value


async def await_until(
    predicate: Callable[[], Awaitable[_T | None]], timeout_s: float = 5.0, *, what: str = "the condition"
) -> _T:
    """The same for an asynchronous predicate."""
    deadline_ns = clock.monotonic_ns() + int(timeout_s * clock.NS_PER_S)
    while not (value := await predicate()):
        if clock.monotonic_ns() > deadline_ns:
            raise TimeoutError(f"{what} did not hold within {timeout_s} s; last value: {value!r}")
        await asyncio.sleep(_PAUSE_S)
    return value
