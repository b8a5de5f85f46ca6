"""Background tasks are kept, named in the log when they fail, and ended with their group."""

import asyncio
import gc
import logging

import pytest

from backtalk.tasks import TaskGroup

pytestmark = pytest.mark.anyio


async def test_task_runs_without_anybody_holding_it() -> None:
    """The group's reference is enough: the garbage collector never ends a task."""
    group, went_on, done = TaskGroup(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await went_on.wait()
        done.set()

    group.spawn(work(), name="work")
    await asyncio.sleep(0)
    gc.collect()
    went_on.set()
    await asyncio.wait_for(done.wait(), 2)


async def test_failure_is_logged_under_its_name(caplog: pytest.LogCaptureFixture) -> None:
    """A task that fails says so, with the error."""
    group = TaskGroup()

    async def fail() -> None:
        raise ValueError("broken")

    with caplog.at_level(logging.ERROR):
        await asyncio.wait([group.spawn(fail(), name="the-name")])
        await asyncio.sleep(0)
    (record,) = caplog.records
    assert vars(record)["task"] == "the-name"
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "broken"


async def test_close_cancels_and_waits() -> None:
    """After `aclose` nothing runs, and what was to be tidied up has been."""
    group, running, tidied = TaskGroup(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            running.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            tidied.set()

    task = group.spawn(work(), name="work")
    await running.wait()
    await group.aclose()
    assert tidied.is_set()
    assert task.cancelled()


async def test_close_ends_what_an_ending_task_starts() -> None:
    """A last task that another one starts while it ends does not outlive the group."""
    group, running = TaskGroup(), asyncio.Event()
    late: list[asyncio.Task[bool]] = []

    async def work() -> None:
        try:
            running.set()
            await asyncio.Event().wait()
        finally:
            late.append(group.spawn(asyncio.Event().wait(), name="late"))

    group.spawn(work(), name="work")
    await running.wait()
    await group.aclose()
    assert late[0].cancelled()


async def test_cancelled_task_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is logged about a task that was ended on purpose."""
    group = TaskGroup()
    group.spawn(asyncio.Event().wait(), name="work")
    await group.aclose()
    assert caplog.records == []
