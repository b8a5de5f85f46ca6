"""The log of a run: one file of events, only ever appended to, by the one process that holds the pipeline's lock.

In: events. Out: the same, also after a kill. The one rule: an event is durable before what follows from it begins; a
line that a kill left unfinished was acted on by nobody and is none.
"""

import os
from pathlib import Path
from typing import Final

import msgspec

from backtalk.errors import StoreError
from backtalk.pipeline.events import Event, RunState, told
from backtalk.pipeline.folders import Home
from backtalk.process import is_locked
from backtalk.spool.files import make_directory, write_all

FILE: Final = "state.jsonl"
_decoder: Final[msgspec.json.Decoder[Event]] = msgspec.json.Decoder(Event)


def append(run: Path, event: Event) -> None:
    """Write an event down, durable on return; raises `StoreError` where the disk takes nothing."""
    try:
        make_directory(run)
        _drop_unfinished(run / FILE)
        descriptor = os.open(run / FILE, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            write_all(descriptor, msgspec.json.encode(event) + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreError(f"{run / FILE} cannot be written: {error.strerror}", code="run_not_kept") from error


def read(run: Path) -> list[Event]:
    """All events; raises `StoreError` where the log cannot be trusted."""
    try:
        lines = (run / FILE).read_bytes().split(b"\n")[:-1]
        return [_decoder.decode(line) for line in lines]
    except FileNotFoundError:
        return []
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreError(f"{run / FILE} cannot be read: {error}", code="run_damaged") from error


def state(run: Path) -> RunState | None:
    """What all events say; None where the run has not begun."""
    return told(read(run))


def states(home: Home) -> list[RunState]:
    """The runs of a pipeline that have begun, the oldest first."""
    found = (state(home.runs / run_id) for run_id in home.run_ids())
    return [one for one in found if one is not None]


def at_work(home: Home, one: RunState) -> bool:
    """Whether a process works on this run now: a pipeline has at most one run that is not over."""
    return one.ended is None and is_locked(home.lock)


def _drop_unfinished(path: Path) -> None:
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
