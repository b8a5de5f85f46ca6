"""Figures that are counted anew for as long as the process lives."""

import asyncio

import pytest

from backtalk.errors import StoreError
from backtalk.web.counting import count_for_ever


def test_a_count_that_fails_is_said_and_taken_again(caplog: pytest.LogCaptureFixture) -> None:
    """Each time as of then; nothing but its end ends it."""
    seen: list[int] = []

    async def count(now_ns: int) -> None:
        seen.append(now_ns)
        if len(seen) == 1:
            raise StoreError("the ledger cannot be read", code="ledger_unavailable")
        if len(seen) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(count_for_ever(count, 0.0, "a figure"))
    assert seen == sorted(seen)
    assert [record.getMessage() for record in caplog.records] == ["a figure cannot be counted"]
