"""What a step says."""

from pathlib import Path

from backtalk.pipeline import step_log as room
from backtalk.pipeline.step_log import step_log


def test_lines_are_shown_and_kept(tmp_path: Path) -> None:
    """Those of an earlier attempt stay before; a line is one line and not too long."""
    shown: list[str] = []
    for line in ("first", "sec\x1b[31m\nond", "x" * 2_000):
        with step_log(tmp_path / "logs" / "train.log", shown.append) as say:
            say(line)
    assert shown == ["first", "sec [31m ond", "x" * room.MAX_CHARS]
    kept = (tmp_path / "logs" / "train.log").read_text().splitlines()
    assert [line[20:] for line in kept] == shown


def test_a_file_has_an_end_and_the_step_goes_on(tmp_path: Path) -> None:
    """What comes behind it is shown."""
    shown: list[str] = []
    with step_log(tmp_path / "train.log", shown.append) as say:
        for _ in range(room.MAX_BYTES // 900):
            say("x" * 1_000)
    assert (tmp_path / "train.log").stat().st_size <= room.MAX_BYTES
    assert len(shown) == room.MAX_BYTES // 900
