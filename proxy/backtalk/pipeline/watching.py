"""Watches pipelines: looks at each in turn, at once where somebody asked, and runs what is to be run.

In: files, a pause, and a word that says when to end. Out: lines. The one rule: one pipeline that fails takes no other
down, and one that keeps failing is tried at growing pauses, so that nothing is paid for again and again.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from backtalk import clock
from backtalk.errors import RequestError
from backtalk.model.meter import Meter
from backtalk.pipeline import triggers
from backtalk.pipeline.definition import load_pipeline
from backtalk.pipeline.folders import home
from backtalk.pipeline.running import Asked, Done, make_known, run
from backtalk.pipeline.work import Say

LONGEST_PAUSE_S: Final = 6 * 3_600.0
GLANCE_S: Final = 1.0
"""How often triggers from outside are looked for."""


class Course(NamedTuple):
    """When a pipeline is looked at next, and how often it failed in a row."""

    due_ns: int = 0
    failures: int = 0

    def after(self, now_ns: int, interval_s: float, *, failed: bool) -> "Course":
        """The next look: after the interval, or after a pause that doubles from failure to failure."""
        failures = self.failures + 1 if failed else 0
        pause_s = min(interval_s * 2**failures, max(LONGEST_PAUSE_S, interval_s)) if failed else interval_s
        return Course(now_ns + int(pause_s * clock.NS_PER_S), failures)


class Watch:
    """Looks at the pipelines of some files."""

    def __init__(
        self, data_dir: Path, files: Sequence[Path], asked: Asked, *, interval_s: float, metrics: Meter, say: Say
    ) -> None:
        self._data_dir = data_dir
        self._files = {load_pipeline(path).name: path for path in files}
        if len(self._files) < len(files):
            raise RequestError("two of the files have the same name, and a pipeline is called like its file",
                               code="bad_arguments")  # fmt: skip
        self._courses = dict.fromkeys(self._files, Course())
        self._asked = asked
        self._interval_s = interval_s
        self._metrics = metrics
        self._say = say
        for path in files:
            make_known(data_dir, load_pipeline(path))

    def go(self, wait: Callable[[float], bool]) -> None:
        """Look until `wait`, which lets time pass, says that it is over."""
        while True:
            for name in self._files:
                if self._is_due(name):
                    self._look(name)
            if wait(GLANCE_S):
                return

    def _is_due(self, name: str) -> bool:
        """Whether its time has come, or somebody asked; one that fails is not hurried."""
        course = self._courses[name]
        if clock.monotonic_ns() >= course.due_ns:
            return True
        return not course.failures and bool(triggers.pending(home(self._data_dir, name)))

    def _look(self, name: str) -> None:
        failed = False
        try:
            done = run(
                self._data_dir, load_pipeline(self._files[name]), self._asked, metrics=self._metrics,
                say=lambda line: self._say(f"{name}: {line}"),
            )  # fmt: skip
            self._say(f"{name}: {_told(done)}")
        except Exception as error:  # noqa: BLE001 -- a trainer may raise anything, and the others are to go on
            failed = True
            self._say(f"{name}: failed: {error}")
        self._courses[name] = self._courses[name].after(clock.monotonic_ns(), self._interval_s, failed=failed)


def _told(done: Done) -> str:
    if done.state is not None:
        ended = done.state.ended
        return f"run {done.state.run_id} {done.state.state(at_work=False)}" + (f": {ended.message}" if ended else "")
    return "" if done.verdict is None else f"no run: {done.verdict.why}"
