"""The worker as a process: refused twice, ended in order, killed at any moment."""

import contextlib
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from backtalk import installation
from backtalk.model.facts import (
    CallClosed,
    CallOpened,
    CallRelated,
    Fact,
    FeedbackGiven,
    SessionLinked,
    SignalFound,
    decode_entry,
)
from backtalk.settings import JournalSettings, LedgerSettings, SessionSettings, Settings, TelemetrySettings, environ_for
from backtalk.spool import Tail
from backtalk.spool.segments import used_bytes
from backtalk.testing.frames import conversation, in_order, write_spool
from backtalk.testing.redis_servers import everywhere
from backtalk.testing.waiting import wait_until

_START_NS = 1_700_000_000_000_000_000


_WORKER = "from backtalk import settings, worker; worker.run_worker(settings.load_inherited())"


@contextlib.contextmanager
def _worker(data_dir: Path, redis_url: str) -> Generator[subprocess.Popen[bytes]]:
    settings = Settings(
        data_dir=data_dir,
        redis_url=SecretStr(redis_url),
        session=SessionSettings(redis_timeout_ms=10_000),
        telemetry=TelemetrySettings(exporters=()),
        ledger=LedgerSettings(commit_s=0.2),
        journal=JournalSettings(limit_bytes=8 << 30, segment_bytes=2 << 30),
    )
    with (data_dir / "log").open("ab") as log:
        worker = subprocess.Popen([sys.executable, "-c", _WORKER], env=environ_for(settings), stderr=log)
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()
        _keep(data_dir)


def _keep(data_dir: Path) -> None:
    """Copy the journal's segments: a worker's life begins a new one, and cuts off those that the ledger has."""
    (data_dir / "kept").mkdir(exist_ok=True)
    for segment in (data_dir / "journal").glob("*.seg"):
        shutil.copy(segment, data_dir / "kept")


def _wait(worker: subprocess.Popen[bytes], condition: Callable[[], bool], within_s: float = 120.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert worker.poll() is None, "the worker ended by itself"
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.002)


def _empty(data_dir: Path) -> bool:
    return not any((data_dir / "spool").iterdir())


def _finish(data_dir: Path, redis_url: str) -> None:
    """Let a worker take all there is and end in order."""
    with _worker(data_dir, redis_url) as worker:
        _wait(worker, lambda: _empty(data_dir))
        worker.terminate()
        assert worker.wait(60) == 0


def _facts(data_dir: Path) -> Iterator[Fact]:
    with Tail(data_dir / "kept") as tail:
        while records := tail.read():
            for record in records:
                yield from decode_entry(record.payload).facts


def _names(data_dir: Path) -> list[str]:
    return [_name(fact) for fact in _facts(data_dir)]


def _name(fact: Fact) -> str:
    kind = type(fact).__name__
    if isinstance(fact, CallOpened):
        return f"{kind} {fact.span_id} {fact.request.model}"
    if isinstance(fact, CallClosed):
        return f"{kind} {fact.opened.span_id} {fact.outcome} {fact.response.text} {len(fact.opened.request.messages)}"
    if isinstance(fact, SignalFound):
        return f"{kind} {fact.signal_id}"
    if isinstance(fact, CallRelated):
        return f"{kind} {fact.kind} {fact.about.span_id} {fact.shown_by.span_id}"
    if isinstance(fact, FeedbackGiven):
        return f"{kind} {fact.feedback_id}"
    return f"{kind} {fact.span_id} {fact.rule}" if isinstance(fact, SessionLinked) else f"{kind} {fact.erasure_id}"


def _write(data_dir: Path, *, conversations: int, turns: int) -> None:
    for owner in range(3):
        frames = [
            conversation(owner * 100 + name, turns, at_ns=_START_NS + name * 1000 + owner, pieces=name % 3 == 0)
            for name in range(conversations)
        ]
        whole = in_order(frames)
        write_spool(data_dir / "spool", whole[: len(whole) - owner], segment_bytes=100_000)


def _kill_at_random(data_dir: Path, redis_url: str, kills: int, seed: int) -> None:
    """Kill a worker each time it has written a little more."""
    chance = random.Random(seed)  # noqa: S311 -- a repeatable choice, no secret
    journal = data_dir / "journal"
    for _ in range(kills):
        enough = used_bytes(journal) + chance.choice((1, 1, 5_000, 50_000, 200_000))
        with _worker(data_dir, redis_url) as worker:
            _wait(worker, lambda: used_bytes(journal) >= enough or _empty(data_dir))  # noqa: B023 -- called at once
            for _ in range(chance.randrange(30_000)):
                pass


def _same_after_kills(tmp_path: Path, redis_url: str, *, kills: int, seed: int, conversations: int) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    _write(whole, conversations=conversations, turns=20)
    installation.secret(whole)
    shutil.copytree(whole, killed)
    _finish(whole, redis_url)
    everywhere(redis_url, "FLUSHALL")  # and no second database: a cluster has none
    _kill_at_random(killed, redis_url, kills, seed)
    assert not _empty(killed)
    _finish(killed, redis_url)
    expected, found = Counter(_names(whole)), Counter(_names(killed))
    assert (expected - found, found - expected) == (Counter(), Counter())
    assert set(found.values()) == {1}


def test_a_kill_at_any_moment_doubles_and_loses_no_fact(tmp_path: Path, redis_url: str) -> None:
    """Calls, links, signals and feedback are those of an undisturbed run, each once."""
    _same_after_kills(tmp_path, redis_url, kills=3, seed=1, conversations=8)


@pytest.mark.chaos
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(3))
def test_dozens_of_kills_double_and_lose_no_fact(tmp_path: Path, redis_url: str, seed: int) -> None:
    """The same, twenty times in a row for each seed."""
    _same_after_kills(tmp_path, redis_url, kills=20, seed=seed, conversations=30)


def test_a_second_worker_is_refused(tmp_path: Path, redis_url: str) -> None:
    """Two workers on one data directory would decide everything twice."""
    with _worker(tmp_path, redis_url) as first:
        _wait(first, (tmp_path / "journal" / "id").exists)
        with _worker(tmp_path, redis_url) as second:
            assert second.wait(20) != 0
        assert first.poll() is None
    assert "another worker runs" in (tmp_path / "log").read_text()


def test_a_worker_ends_in_order(tmp_path: Path, redis_url: str) -> None:
    """SIGTERM: what was decided is in the journal and in the ledger, the figures are written, the status is 0."""
    _write(tmp_path, conversations=1, turns=3)
    _finish(tmp_path, redis_url)
    assert sum(isinstance(fact, CallClosed) for fact in _facts(tmp_path)) == 12
    assert list((tmp_path / "ledger" / "calls").rglob("*.parquet"))
    assert list((tmp_path / "metrics").iterdir())


def test_without_redis_calls_are_facts_all_the_same(tmp_path: Path) -> None:
    """A server that is away costs links, and no call."""
    _write(tmp_path, conversations=1, turns=3)
    _finish(tmp_path, f"unix://{tmp_path}/nobody.sock")
    assert sum(isinstance(fact, CallClosed) for fact in _facts(tmp_path)) == 12


@pytest.mark.parametrize(("configured", "said"), [(False, "set REDIS_URL"), (True, "does not answer")])
def test_a_redis_that_is_away_is_said_at_the_start(tmp_path: Path, configured: bool, said: str) -> None:
    """Before any call, with what goes on without it."""
    url = SecretStr(f"unix://{tmp_path}/nobody.sock") if configured else None
    settings = Settings(data_dir=tmp_path, redis_url=url, telemetry=TelemetrySettings(exporters=()))
    with (tmp_path / "log").open("ab") as log:
        worker = subprocess.Popen([sys.executable, "-c", _WORKER], env=environ_for(settings), stderr=log)
    try:
        wait_until(lambda: said in (tmp_path / "log").read_text(), timeout_s=20)
    finally:
        worker.kill()
        worker.wait()
    assert "calls are answered, recorded and exported" in (tmp_path / "log").read_text()
