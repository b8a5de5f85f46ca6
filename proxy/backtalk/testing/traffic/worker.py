"""Feeds recorded traffic to a real worker process: frames in a spool, facts out of its journal."""

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import SecretStr

from backtalk.model.facts import Fact, decode_entry
from backtalk.model.frames import Closed, Opened
from backtalk.settings import SessionSettings, Settings, TelemetrySettings, environ_for
from backtalk.spool import Tail
from backtalk.testing.frames import write_spool

WITHIN_S: Final = 300.0
PATIENT_MS: Final = 5_000.0
"""The wait for Redis: this measures what is understood, not how busy the machine is."""
_POLL_S: Final = 0.05
_WORKER: Final = "from backtalk import settings, worker; worker.run_worker(settings.load_inherited())"


class Run(NamedTuple):
    """What a worker made of the traffic, and its CPU time."""

    facts: list[Fact]
    cpu_s: float


def through_worker(every: Iterable[Opened | Closed], data_dir: Path, redis_url: str) -> Run:
    """Let a worker take all frames, end it in order, and read its journal."""
    data_dir.mkdir(parents=True, exist_ok=True)
    write_spool(data_dir / "spool", list(every))
    settings = Settings(
        data_dir=data_dir,
        redis_url=SecretStr(redis_url),
        session=SessionSettings(redis_timeout_ms=PATIENT_MS),
        telemetry=TelemetrySettings(exporters=()),
    )
    before = _children_cpu_s()
    with (data_dir / "log").open("wb") as log:
        arguments = [sys.executable, "-c", _WORKER]
        with subprocess.Popen(arguments, env=environ_for(settings), stderr=log) as worker:  # noqa: S603  # ourselves
            try:
                _wait(worker, lambda: not any((data_dir / "spool").iterdir()))
            finally:
                worker.terminate()
    return Run(list(_facts(data_dir / "journal")), _children_cpu_s() - before)


def _wait(worker: subprocess.Popen[bytes], done: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + WITHIN_S
    while not done():
        if worker.poll() is not None or time.monotonic() > deadline_s:
            raise TimeoutError("the worker did not take all frames; see its log")
        time.sleep(_POLL_S)


def _facts(journal: Path) -> Iterable[Fact]:
    with Tail(journal) as tail:
        while records := tail.read():
            for record in records:
                yield from decode_entry(record.payload).facts


def _children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
