"""Sends records to exporters: each behind a cursor of its own, in order, at least once.

In: the log, and exporters. Out: what each was told, and what went wrong, as values. The one rule: the cursor moves
after success alone. A record that the backend refuses for good is counted and passed over; any other failure is tried
again a few times and then leaves the cursor where it is.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from backtalk.errors import StoreError
from backtalk.lineage.cursors import Cursor, CursorFile
from backtalk.lineage.leaving import Leaving
from backtalk.lineage.log import LineageLog
from backtalk.lineage.records import ORIGIN, Record
from backtalk.plugin import LineageEvent, LineageExporter, RefusedError

MAX_PROBLEM_CHARS: Final = 300


class Tries(NamedTuple):
    """How often a record is tried, and the pause after the first failure, which doubles."""

    most: int = 3
    first_pause_s: float = 0.5


class Told(NamedTuple):
    """What came of one exporter's turn."""

    exporter: str
    sent: int = 0
    refused: tuple[str, ...] = ()
    """Records that the backend will never take, each with what it said."""
    without_event: int = 0
    waiting: int = 0
    """Records that are still to be sent."""
    problem: str | None = None
    """Why they are."""


class Exporting:
    """Sends for one data directory; `pause` waits between tries, and gives True where there is to be no other."""

    def __init__(
        self, data_dir: Path, *, tries: Tries | None = None, pause: Callable[[float], bool] | None = None
    ) -> None:
        self._data_dir = data_dir
        self._tries = tries or Tries()
        self._pause = pause or threading.Event().wait

    def send(self, exporter: LineageExporter, *, since_ns: int | None = None) -> Told:
        """Send what is due, or again everything from an instant on; raises `StoreError` where the log is damaged."""
        records = LineageLog(self._data_dir).records()
        file = CursorFile(self._data_dir, exporter.name)
        with file.alone() as is_alone:
            if not is_alone:
                return Told(exporter.name, problem="another process is sending for it now")
            cursor = file.load()
            _check(cursor, records, exporter.name)
            due = [one for one in records if one.number > cursor.number or _is_since(one, since_ns)]
            return self._deliver(exporter, due, records, cursor, file)

    def _deliver(
        self,
        exporter: LineageExporter,
        due: Sequence[Record],
        records: Sequence[Record],
        cursor: Cursor,
        file: CursorFile,
    ) -> Told:
        leaving, told = Leaving(self._data_dir, records), Told(exporter.name)
        for place, record in enumerate(due):
            event = leaving.event_of(record)
            problem, is_final = (None, False) if event is None else self._try(exporter, event)
            if problem is not None and not is_final:
                return told._replace(waiting=len(due) - place, problem=problem)
            told = _counted(told, record, event, problem)
            cursor = _moved(cursor, record, event, problem)
            file.save(cursor)
        return told

    def _try(self, exporter: LineageExporter, event: LineageEvent) -> tuple[str | None, bool]:
        """What went wrong, and whether for good."""
        problem = ""
        for failures in range(self._tries.most):
            if failures and self._pause(self._tries.first_pause_s * 2 ** (failures - 1)):
                break
            try:
                exporter.export(event)
            except RefusedError as error:
                return _words(error), True
            except Exception as error:  # noqa: BLE001 # a backend or a stranger's plugin may fail in any way
                problem = _words(error)
            else:
                return None, False
        return problem, False


def _is_since(record: Record, since_ns: int | None) -> bool:
    return since_ns is not None and record.at_ns >= since_ns


def _check(cursor: Cursor, records: Sequence[Record], exporter: str) -> None:
    known = ORIGIN if cursor.number == 0 else None
    if 0 < cursor.number <= len(records):
        known = records[cursor.number - 1].hash
    if known != cursor.hash:
        message = (
            f"{exporter} was told of a record {cursor.number} that this log does not have: "
            "see `backtalk lineage verify`; nothing is sent to it"
        )
        raise StoreError(message, code="lineage_damaged")


def _counted(told: Told, record: Record, event: LineageEvent | None, problem: str | None) -> Told:
    if event is None:
        return told._replace(without_event=told.without_event + 1)
    if problem is not None:
        return told._replace(refused=(*told.refused, f"record {record.number}: {problem}"))
    return told._replace(sent=told.sent + 1)


def _moved(cursor: Cursor, record: Record, event: LineageEvent | None, problem: str | None) -> Cursor:
    """Behind the record, unless it was behind it already; either way it is counted."""
    ahead = record.number > cursor.number
    return msgspec.structs.replace(
        cursor,
        number=record.number if ahead else cursor.number,
        hash=record.hash if ahead else cursor.hash,
        sent=cursor.sent + (event is not None and problem is None),
        refused=cursor.refused + (problem is not None),
        without_event=cursor.without_event + (event is None),
    )


def _words(error: Exception) -> str:
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}"[:MAX_PROBLEM_CHARS]
