"""Waiting for a condition."""

import pytest

from backtalk.testing.waiting import await_until, wait_until


def test_the_first_true_value_comes_back() -> None:
    """No later than it holds."""
    values = iter([0, None, 3])
    assert wait_until(lambda: next(values)) == 3


def test_a_condition_that_never_holds_is_named() -> None:
    """With the last value that was seen."""
    with pytest.raises(TimeoutError, match=r"the moon did not hold within 0\.01 s; last value: 0"):
        wait_until(lambda: 0, 0.01, what="the moon")


@pytest.mark.anyio
async def test_an_asynchronous_condition_is_awaited() -> None:
    """The same, with a coroutine."""
    values = iter([False, True])

    async def holds() -> bool:
        return next(values)

    assert await await_until(holds) is True

    async def never() -> None:
        return None

    with pytest.raises(TimeoutError, match="the condition"):
        await await_until(never, 0.01)
