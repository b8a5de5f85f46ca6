"""The followers of the journal: the ledger and each exporter, in threads of their own, each with its own position.

In: settings and the journal. Out: `core.Follower` values. What a follower has not taken stays in the journal.
"""

from collections.abc import Callable
from functools import partial

from backtalk.export.host import Host, attach
from backtalk.export.loop import ExportLoop
from backtalk.ledger.ledger import Ledger
from backtalk.ledger.rows import Rows
from backtalk.ledger.schema import TABLES
from backtalk.ledger.writer import LedgerWriter
from backtalk.lineage.pins import pins
from backtalk.plugin.discovery import load_exporters
from backtalk.plugin.protocols import Exporter
from backtalk.settings import Settings
from backtalk.spool import Cursor, Journal, Tail
from backtalk.telemetry import Metrics, read_all
from backtalk.worker.core import Follower


def followers_of(
    settings: Settings, journal: Journal, secret: bytes, metrics: Metrics, *, lag_s: Callable[[], float] = lambda: 0.0
) -> list[Follower]:
    """The ledger first, then the exporters in the order of the settings; `lag_s` is the worker's own."""
    host = Host(
        settings.telemetry,
        metrics,
        secret,
        figures=partial(read_all, settings.data_dir / "metrics"),
        message_id=Rows(secret).message_id,
        lag_s=lag_s,
    )
    exporters = load_exporters(settings.telemetry.exporters, settings.plugin)
    return [
        _ledger(settings, journal, secret, metrics),
        *(_export(settings, journal, exporter, host) for exporter in exporters),
    ]


def _ledger(settings: Settings, journal: Journal, secret: bytes, metrics: Metrics) -> Follower:
    rows, cursors = Rows(secret, content=settings.ledger.content), settings.data_dir / "cursors"
    ledger = Ledger(
        settings.data_dir / "ledger",
        journal.id,
        rows=rows,
        compact_every=settings.ledger.compact_every,
        mark=Cursor(cursors / "ledger", stream=journal.id),
        table_marks={name: Cursor(cursors / f"ledger-{name}", stream=journal.id) for name in TABLES},
        pins=lambda: pins(settings.data_dir),
        metrics=metrics,
    )
    writer = LedgerWriter(ledger, Tail(settings.data_dir / "journal", ledger.committed), settings.ledger, metrics)

    def stop(timeout_s: float) -> None:
        if writer.stop(timeout_s):
            ledger.close()

    return Follower("ledger", lambda: writer.committed, writer.start, stop, writer)


def _export(settings: Settings, journal: Journal, exporter: Exporter, host: Host) -> Follower:
    attach(exporter, host)
    cursor = Cursor(settings.data_dir / "cursors" / exporter.name, stream=journal.id)
    directory, recall_bytes = settings.data_dir / "journal", settings.telemetry.recall_bytes
    loop = ExportLoop(exporter, directory, cursor, host.metrics, recall_bytes=recall_bytes)
    return Follower(exporter.name, lambda: loop.needed, loop.start, loop.stop, rereading=loop)
