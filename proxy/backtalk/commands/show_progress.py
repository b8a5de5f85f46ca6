"""Long work for the person who waits: a bar on a terminal, a line now and then anywhere else.

In: what is being done, how much of how much is. Out: share, rate, and how long it may take still. The one rule: all of
it goes to standard error, so that what a command prints can be piped.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from backtalk import clock

EVERY_S: Final = 30
"""So often a line comes where there is no terminal."""
Told = Callable[[str, int, int], None]


@contextmanager
def progress() -> Generator[Told]:
    """Something to tell of the work."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines(lambda line: click.echo(line, err=True), lambda: clock.monotonic_ns() / clock.NS_PER_S)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        yield Bar(bar)


class Bar:
    """Moves a bar of Rich; each part of the work begins it anew, so that its rate is the part's own."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=None)
        self._what = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Tell of the work."""
        if what != self._what:
            self._what = what
            self._bar.reset(self._task, description=what, total=total)
        self._bar.update(self._task, completed=done, total=total)


class Lines:
    """Writes a line where the last one is long ago."""

    def __init__(self, write: Callable[[str], None], now_s: Callable[[], float], *, every_s: float = EVERY_S) -> None:
        self._write = write
        self._now_s = now_s
        self._every_s = every_s
        self._last_s = now_s()
        self._what = ""
        self._began_s = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        """Tell of the work."""
        now_s = self._now_s()
        if what != self._what:
            self._what, self._began_s = what, now_s
        if now_s - self._last_s >= self._every_s:
            self._last_s = now_s
            self._write(line(what, done, total, now_s - self._began_s))


def line(what: str, done: int, total: int, elapsed_s: float) -> str:
    """How far it has come, how fast it goes, and how long it may take still."""
    share = f"{100 * done // total} %" if total else "0 %"
    if not done or not elapsed_s:
        return f"{what}: {done:,} of {total:,} ({share})"
    rate = done / elapsed_s
    return f"{what}: {done:,} of {total:,} ({share}), {rate:,.0f} a second, {_time((total - done) / rate)} left"


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"


class _Rate(ProgressColumn):
    """How much is done a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "", style="progress.data.speed")
