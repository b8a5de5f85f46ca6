"""Hands what a replay found to the worker, by a spool of its own: the one way into journal and ledger.

In: signals that bear a replay's number. Out: frames that are durable when the function returns; the worker writes each
once, now or when it next runs. The one rule: a replay waits until the one before it is in the ledger, for it says only
what differs from what is there.
"""

import asyncio
import contextlib
import os
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Final

from backtalk import clock
from backtalk.errors import SetupError
from backtalk.ledger.counting import replay_of
from backtalk.ledger.schema import Row
from backtalk.model.facts import JournalEntry, SignalFound, encode_entry
from backtalk.model.frames import Replayed, encode
from backtalk.process import take_lock
from backtalk.settings import Settings
from backtalk.spool import Spool
from backtalk.telemetry import Metrics

PENDING: Final = "replay-pending"
"""The file in the data directory that holds the number of the last replay handed over."""
_LOCK: Final = "replay-lock"
_CHUNK: Final = 500


@contextlib.contextmanager
def alone(data_dir: Path) -> Generator[None]:
    """Be the one replay that writes; raises `SetupError` where another is."""
    lock = take_lock(data_dir / _LOCK)
    if lock is None:
        raise SetupError(f"another replay writes for {data_dir}; try again when it has ended", code="replay_runs")
    try:
        yield
    finally:
        os.close(lock)


def check_taken(data_dir: Path, rows: Iterable[Row]) -> None:
    """Raise `SetupError` while the last replay is not among the rows of the ledger's signals."""
    path = data_dir / PENDING
    if not path.exists():
        return
    number = path.read_text(encoding="utf-8").strip()
    if not any(str(replay_of(row)) == number for row in rows):
        message = (
            f"replay {number} is not in the ledger yet: start `backtalk serve`, or try again in a moment "
            f"(if that ledger was lost, delete {path})"
        )
        raise SetupError(message, code="replay_pending")


def hand_over(signals: Sequence[SignalFound], number: int, settings: Settings) -> None:
    """Make the signals durable for the worker; raises `StoreError` where the disk does not take them."""
    asyncio.run(_put(signals, settings))
    (settings.data_dir / PENDING).write_text(f"{number}\n", encoding="utf-8")


async def _put(signals: Sequence[SignalFound], settings: Settings) -> None:
    spool = Spool.open(settings.data_dir / "spool", settings.spool, metrics=Metrics("replay"))
    try:
        for at in range(0, len(signals), _CHUNK):
            moment = clock.now()
            entry = encode_entry(JournalEntry(tuple(signals[at : at + _CHUNK])))
            await spool.put(encode(Replayed(moment.wall_ns, moment.boot_ns, entry)))
    finally:
        await spool.aclose()
