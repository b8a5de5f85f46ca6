"""The log of a run."""

from pathlib import Path

import pytest

from backtalk.errors import StoreError
from backtalk.pipeline import state_log
from backtalk.pipeline.events import Event, StepFinished, StepStarted
from backtalk.pipeline.folders import Home
from backtalk.process import take_lock
from backtalk.testing.disk import Disk
from backtalk.testing.pipelines import began

RUN_ID = "20260101t120000000z-abcdef"


def test_events_come_back_as_they_were_written(tmp_path: Path, disk: Disk) -> None:
    """Each is synced before the call returns."""
    events: list[Event] = [began(RUN_ID), StepStarted(2, "a", 1), StepFinished(3, "a", {"rows": 3, "names": ["x"]})]
    for event in events:
        state_log.append(tmp_path / "run", event)
    assert state_log.read(tmp_path / "run") == events
    assert disk.synced


def test_a_line_that_a_kill_left_unfinished_is_none(tmp_path: Path) -> None:
    """It is dropped by the next one."""
    state_log.append(tmp_path, began(RUN_ID))
    with (tmp_path / state_log.FILE).open("ab") as file:
        file.write(b'{"type":"started","at')
    assert len(state_log.read(tmp_path)) == 1
    state_log.append(tmp_path, StepStarted(2, "a", 1))
    assert len(state_log.read(tmp_path)) == 2


def test_a_line_that_is_no_event_is_said(tmp_path: Path) -> None:
    """Nothing is guessed about what was done."""
    (tmp_path / state_log.FILE).write_text("{}\n")
    with pytest.raises(StoreError, match="cannot be read"):
        state_log.state(tmp_path)


def test_a_run_is_at_work_while_somebody_holds_the_lock(tmp_path: Path) -> None:
    """And interrupted once nobody does."""
    home = Home(tmp_path)
    state_log.append(home.runs / RUN_ID, began(RUN_ID))
    (found,) = state_log.states(home)
    assert not state_log.at_work(home, found)
    assert take_lock(home.lock) is not None
    assert state_log.at_work(home, found)
