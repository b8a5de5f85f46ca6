"""The eraser of a worker reaches what its followers keep: an order waits until exporters have let go."""

import threading
from pathlib import Path

from backtalk import installation
from backtalk.detect.desk import Desk
from backtalk.feedback.given import feedback_given
from backtalk.lineage import builds
from backtalk.lineage.builds import Build
from backtalk.observe.open_calls import OpenCalls
from backtalk.session.memory_store import MemorySessionStore
from backtalk.settings import JournalSettings, LedgerSettings, Settings, TelemetrySettings
from backtalk.spool import Journal, erasures
from backtalk.telemetry import Metrics
from backtalk.testing.waiting import wait_until
from backtalk.worker.core import Core
from backtalk.worker.decider import Decider
from backtalk.worker.erasing import eraser_of
from backtalk.worker.followers import followers_of
from backtalk.worker.tombstones import Tombstones


def test_an_order_goes_through_all_places(tmp_path: Path, redis_url: str) -> None:
    """With real parts: an exporter rereads, a build that lives is waited for, and then all is done."""
    settings = Settings(
        data_dir=tmp_path, telemetry=TelemetrySettings(exporters=("otlp",)), ledger=LedgerSettings(commit_s=0.02)
    )
    metrics, secret, stones = Metrics("worker"), installation.secret(tmp_path), Tombstones(b"s" * 32, [])
    (tmp_path / "spool").mkdir()
    journal = Journal.open(tmp_path / "journal", JournalSettings(), metrics=metrics)
    desk = Desk(MemorySessionStore(), (), secret=secret, settings=settings, metrics=metrics)
    decider = Decider(OpenCalls("x-session-id", metrics), desk, feedback_given, metrics)
    core = Core(settings, journal, decider, metrics, threading.Event())
    followers = followers_of(settings, journal, secret, metrics)
    for follower in followers:
        follower.start()
    eraser = eraser_of(settings, stones, core, journal, followers, metrics, redis_url, lambda: None)
    erasures.ask(tmp_path, secret, by="user", subject="Alice", actor="me", reason="asked for")

    def tended() -> erasures.Order:
        eraser.tend()
        (found,) = erasures.load(tmp_path)
        return found

    with builds.announced(tmp_path, Build(str(tmp_path / "out"), ".out.tmp", is_file=False, actor="ada", pid=1)):
        wait_until(lambda: "spools" in tended().done, 20, what="everything before the builds")
        assert "builds" not in tended().done
    wait_until(lambda: tended().done_ns is not None, 20, what="the end")
    done = tended()
    assert done.done["exporters"] == 1
    assert done.subject == ""
    core.close()
    for follower in followers:
        follower.stop(5)
