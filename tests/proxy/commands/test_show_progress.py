"""Long work says where it is."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from backtalk.commands.show_progress import Bar, Lines, line, progress


@pytest.mark.parametrize(
    ("done", "total", "elapsed_s", "said"),
    [
        (0, 0, 0.0, "calls: 0 of 0 (0 %)"),
        (0, 10, 5.0, "calls: 0 of 10 (0 %)"),
        (2_500, 10_000, 10.0, "calls: 2,500 of 10,000 (25 %), 250 a second, 30 s left"),
        (1_000, 1_000_000, 1.0, "calls: 1,000 of 1,000,000 (0 %), 1,000 a second, 17 min left"),
    ],
)
def test_a_line_has_share_rate_and_time(done: int, total: int, elapsed_s: float, said: str) -> None:
    """As far as they can be told."""
    assert line("calls", done, total, elapsed_s) == said


def test_a_line_comes_now_and_then_and_each_part_has_its_own_rate() -> None:
    """Whoever reads a log is not flooded."""
    now_s, written = [0.0], list[str]()
    told = Lines(written.append, lambda: now_s[0], every_s=30)
    for at_s, what, done in (
        (0, "calls", 0),
        (10, "calls", 100),
        (40, "calls", 400),
        (50, "rows", 0),
        (70, "rows", 40),
    ):
        now_s[0] = at_s
        told(what, done, 1_000)
    assert written == [
        "calls: 400 of 1,000 (40 %), 10 a second, 60 s left",
        "rows: 40 of 1,000 (4 %), 2 a second, 8 min left",
    ]


def test_a_terminal_gets_a_bar() -> None:
    """It says what is being done, and begins anew with each part."""
    screen = io.StringIO()
    with Progress(console=Console(file=screen, force_terminal=True, width=100)) as bar:
        told = Bar(bar)
        told("calls", 5, 10)
        told("writing rows", 3, 4)
        task = bar.tasks[0]
        assert (task.description, task.completed, task.total) == ("writing rows", 3, 4)
    assert "writing rows" in screen.getvalue()


def test_where_nobody_looks_it_can_be_told_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed where the command prints its result."""
    with progress() as told:
        told("calls", 1, 2)
    assert capsys.readouterr().out == ""
