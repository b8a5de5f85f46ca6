"""What a replay found goes to the worker by a spool, once."""

from pathlib import Path

import pytest

from backtalk.errors import SetupError
from backtalk.model.facts import SignalFound, decode_entry
from backtalk.model.frames import Replayed
from backtalk.review.handing_over import alone, check_taken, hand_over
from backtalk.settings import Settings
from backtalk.spool import Intake
from backtalk.testing import stories

ABOUT = stories.a_key()


def taken(data_dir: Path) -> list[SignalFound]:
    """What the worker reads."""
    intake = Intake(data_dir / "spool", {})
    frames = [item.frame for item in intake.poll(100)]
    intake.close()
    entries = [decode_entry(frame.entry) for frame in frames if isinstance(frame, Replayed)]
    return [fact for entry in entries for fact in entry.facts if isinstance(fact, SignalFound)]


def test_the_worker_reads_each_signal_once_and_in_order(tmp_path: Path) -> None:
    """Also more than one frame of them."""
    signals = [stories.signal(ABOUT, ABOUT, signal_id=f"{number:032x}", replay=1) for number in range(1_001)]
    hand_over(signals, 1, Settings(data_dir=tmp_path))
    assert taken(tmp_path) == signals


def test_the_next_replay_waits_until_the_ledger_has_the_last(tmp_path: Path) -> None:
    """It says only what differs from what is there."""
    check_taken(tmp_path, [])
    hand_over([stories.signal(ABOUT, ABOUT, replay=1)], 1, Settings(data_dir=tmp_path))
    with pytest.raises(SetupError, match="replay 1 is not in the ledger yet"):
        check_taken(tmp_path, [{"replay": None}])
    check_taken(tmp_path, [{"replay": None}, {"replay": 1}])


def test_two_replays_do_not_write_at_once(tmp_path: Path) -> None:
    """The second is told to wait."""
    with alone(tmp_path), pytest.raises(SetupError, match="another replay writes"), alone(tmp_path):
        pass
    with alone(tmp_path):
        pass
