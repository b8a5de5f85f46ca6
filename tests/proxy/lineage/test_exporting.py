"""Records reach exporters in order, at least once; what is refused is passed over, an outage holds the cursor."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from backtalk.errors import StoreError
from backtalk.lineage import exporting, keeping
from backtalk.lineage.cursors import CursorFile
from backtalk.lineage.exporting import Exporting, Told, Tries
from backtalk.lineage.log import LineageLog
from backtalk.lineage.records import DatasetRetired
from backtalk.plugin import LineageEvent, LineageName, RefusedError


class Backend:
    """An exporter that keeps what it was told, and fails as a test plans."""

    name: ClassVar[str] = "backend"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1"

    def __init__(self) -> None:
        self.told: list[int] = []
        self.tried = 0
        self.fail: Callable[[LineageEvent], Exception | None] = lambda _: None

    def export(self, event: LineageEvent) -> None:
        """Take it."""
        self.tried += 1
        if (error := self.fail(event)) is not None:
            raise error
        self.told.append(event.number)

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory with three records."""
    for route in ("one", "two", "three"):
        _say(tmp_path, route)
    return tmp_path


def _say(data_dir: Path, route: str) -> int:
    return keeping.set_ref(data_dir, "production", {"route": route}, actor="ada", reason="try").at_ns


def _send(data_dir: Path, backend: Backend, *, most: int = 3, since_ns: int | None = None) -> Told:
    sending = Exporting(data_dir, tries=Tries(most, 0.0), pause=lambda _: False)
    return sending.send(backend, since_ns=since_ns)


def test_each_record_is_sent_once_and_in_order(data_dir: Path) -> None:
    """A later look sends what has come since, and nothing else."""
    backend = Backend()
    assert _send(data_dir, backend) == Told("backend", sent=3)
    assert _send(data_dir, backend) == Told("backend")
    _say(data_dir, "four")
    assert _send(data_dir, backend) == Told("backend", sent=1)
    assert backend.told == [1, 2, 3, 4]


def test_an_outage_leaves_the_cursor_before_the_record(data_dir: Path) -> None:
    """It is tried a few times, then said with what waits; afterwards all goes on where it stopped."""
    backend = Backend()
    backend.fail = lambda event: OSError("away") if event.number == 2 else None
    assert _send(data_dir, backend) == Told("backend", sent=1, waiting=2, problem="OSError: away")
    assert (backend.told, backend.tried) == ([1], 4)
    backend.fail = lambda _: None
    assert _send(data_dir, backend) == Told("backend", sent=2)
    assert backend.told == [1, 2, 3]


def test_a_failure_that_passes_is_no_outage(data_dir: Path) -> None:
    """The second try succeeds."""
    backend = Backend()
    backend.fail = lambda _: OSError("away") if backend.tried == 1 else None
    assert _send(data_dir, backend).sent == 3


def test_a_refused_record_is_counted_and_passed_over(data_dir: Path) -> None:
    """One that a backend never takes holds nothing up, and is not tried again."""
    backend = Backend()
    backend.fail = lambda event: RefusedError("400 no") if event.number == 2 else None
    told = _send(data_dir, backend)
    assert (told.sent, told.refused) == (2, ("record 2: RefusedError: 400 no",))
    assert (backend.told, backend.tried) == ([1, 3], 3)
    assert CursorFile(data_dir, "backend").load().refused == 1


def test_a_kind_without_an_event_is_counted_and_passed_over(data_dir: Path) -> None:
    """Such as the retirement of a dataset that nothing else tells of."""
    LineageLog(data_dir).append(DatasetRetired("0" * 16, "gone"), "ada")
    backend = Backend()
    told = _send(data_dir, backend)
    assert (told.sent, told.without_event, backend.told) == (3, 1, [1, 2, 3])
    assert _send(data_dir, backend) == Told("backend")


def test_from_an_instant_on_everything_is_sent_again(data_dir: Path) -> None:
    """And the cursor does not go back."""
    backend = Backend()
    _send(data_dir, backend)
    second = LineageLog(data_dir).records()[1]
    assert _send(data_dir, backend, since_ns=second.at_ns).sent == 2
    assert backend.told == [1, 2, 3, 2, 3]
    assert _send(data_dir, backend) == Told("backend")


def test_one_process_sends_at_a_time(data_dir: Path) -> None:
    """A second one says so and sends nothing."""
    backend = Backend()
    with CursorFile(data_dir, "backend").alone():
        assert _send(data_dir, backend).problem == "another process is sending for it now"
    assert backend.told == []


def test_a_log_that_was_written_anew_gets_nothing_sent(
    data_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The cursor names a record by its hash, and this log has another one."""
    _send(data_dir, Backend())
    other = tmp_path_factory.mktemp("other")
    for route in ("x", "y", "z"):
        _say(other, route)
    LineageLog(data_dir).path.write_bytes(LineageLog(other).path.read_bytes())
    with pytest.raises(StoreError, match="was told of a record 3 that this log does not have"):
        _send(data_dir, Backend())


def test_no_more_tries_once_the_pause_says_so(data_dir: Path) -> None:
    """Somebody wants the process to end."""
    backend, stop = Backend(), threading.Event()
    backend.fail = lambda _: OSError("away")
    stop.set()
    told = Exporting(data_dir, tries=Tries(5, 60.0), pause=stop.wait).send(backend)
    assert (backend.tried, told.waiting) == (1, 3)


def test_what_is_said_of_a_failure_is_short(data_dir: Path) -> None:
    """An answer of a megabyte is no sentence."""
    backend = Backend()
    backend.fail = lambda _: OSError("x\n" * 10_000)
    assert len(_send(data_dir, backend, most=1).problem or "") == exporting.MAX_PROBLEM_CHARS


def test_the_event_is_what_the_record_says(data_dir: Path) -> None:
    """With the record's number, time and hash."""
    seen: list[LineageEvent] = []
    backend = Backend()
    backend.fail = seen.append
    _send(data_dir, backend)
    record = LineageLog(data_dir).records()[0]
    assert (seen[0].number, seen[0].hash, seen[0].time_ns) == (1, record.hash, record.at_ns)
    assert seen[0].said == LineageName("production", {"route": "one"})
