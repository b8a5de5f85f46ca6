"""Pipelines are looked at again and again."""

from pathlib import Path

import pytest

from backtalk import clock
from backtalk.errors import RequestError
from backtalk.model.meter import NoMeter
from backtalk.pipeline import triggers
from backtalk.pipeline.folders import home
from backtalk.pipeline.running import Asked
from backtalk.pipeline.watching import LONGEST_PAUSE_S, Course, Watch
from backtalk.testing.ledgers import write_facts
from backtalk.testing.pipelines import SHELL, corrected_calls, pipeline_text

pytestmark = pytest.mark.usefixtures("trainers")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two pipelines that want more than there is, and a ledger."""
    write_facts(tmp_path / "data" / "ledger", *corrected_calls(2))
    found = [tmp_path / "one.toml", tmp_path / "two.toml"]
    for file in found:
        file.write_text(pipeline_text(tables=SHELL, trainer="shell"))
    return found


def watch(files: list[Path], lines: list[str]) -> Watch:
    """A watch of an hour's interval."""
    data_dir = files[0].parent / "data"
    return Watch(data_dir, files, Asked("ada"), interval_s=3_600, metrics=NoMeter(), say=lines.append)


def looks(watched: Watch, count: int) -> None:
    """Let it look so often."""
    left = [count]

    def wait(_: float) -> bool:
        left[0] -= 1
        return left[0] <= 0

    watched.go(wait)


def test_each_is_looked_at_once_an_interval(files: list[Path]) -> None:
    """And what keeps it shut is said."""
    lines: list[str] = []
    looks(watch(files, lines), 5)
    assert [line.partition(":")[0] for line in lines] == ["one", "two"]
    assert "no run: 2 signals and feedback ever, 200 are wanted" in lines[0]


def test_a_trigger_from_outside_is_seen_at_once(files: list[Path], tmp_path: Path) -> None:
    """And answered once."""
    lines: list[str] = []
    watched = watch(files, lines)
    looks(watched, 1)
    triggers.ask(tmp_path / "data", "two", actor="ada", reason="labels")
    looks(watched, 3)
    assert [line.partition(":")[0] for line in lines] == ["one", "two", "two"]
    assert triggers.pending(home(tmp_path / "data", "two")) == []


def test_one_that_fails_takes_no_other_down_and_is_tried_later(files: list[Path]) -> None:
    """Its file was broken while it was watched; a trigger does not hurry it."""
    lines: list[str] = []
    watched = watch(files, lines)
    files[0].write_text("recipe = ")
    looks(watched, 3)
    assert [line.partition(":")[0] for line in lines] == ["one", "two"]
    assert "failed: pipeline one: this is not TOML" in lines[0]
    triggers.ask(files[0].parent / "data", "one", actor="ada", reason="labels")
    looks(watched, 2)
    assert len(lines) == 2


def test_two_files_of_one_name_are_refused(files: list[Path], tmp_path: Path) -> None:
    """They would be one pipeline."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "one.toml").write_text(pipeline_text(tables=SHELL, trainer="shell"))
    with pytest.raises(RequestError, match="the same name"):
        watch([*files, tmp_path / "more" / "one.toml"], [])


def test_pauses_grow_from_failure_to_failure_up_to_a_limit() -> None:
    """And begin anew behind a success."""
    course, pauses = Course(), list[float]()
    for _ in range(12):
        course = course.after(0, 300, failed=True)
        pauses.append(course.due_ns / clock.NS_PER_S)
    assert pauses[:3] == [600, 1_200, 2_400]
    assert pauses[-1] == LONGEST_PAUSE_S
    assert course.after(0, 300, failed=False) == Course(300 * clock.NS_PER_S, 0)
