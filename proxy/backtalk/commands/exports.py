"""`backtalk lineage export`, and what a build, a run or a ref tells exporters at its end.

In: settings and options. Out: what was sent, and what waits and why. The one rule: what cannot be exported has still
been built: at the end of another command an outage is a sentence and no failure.
"""

import sys
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from backtalk.commands.options import settings_options
from backtalk.errors import SetupError
from backtalk.settings import Settings, load

if TYPE_CHECKING:
    from backtalk.lineage.exporting import Told
    from backtalk.plugin import LineageExporter

_DAY: Final = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
_LOOK_S: Final = 2.0
_MOST_S: Final = 60.0


@click.command("export")
@click.option("--to", "names", multiple=True, metavar="NAME", help="An exporter. [default: those of the settings]")
@click.option("--since", type=_DAY, help="Send again what was written down from this instant on, UTC.")
@click.option("--follow", is_flag=True, help="Go on with what comes, until it is stopped.")
@settings_options
def export_command(
    names: tuple[str, ...], since: datetime | None, follow: bool, config: Path | None, data_dir: Path | None
) -> None:
    """Send what was built, run and named to other systems.

    Each exporter goes on where it stopped, and a repeat changes nothing there. The status is 1 where something waits.
    """
    from backtalk.lineage.exporting import Exporting  # noqa: PLC0415 -- loaded when used

    settings = load(file=config, overrides={"data_dir": data_dir})
    exporters = _exporters(settings, names)
    since_ns = None if since is None else int(since.replace(tzinfo=UTC).timestamp()) * 1_000_000_000
    exporting = Exporting(settings.data_dir)
    try:
        told = [exporting.send(exporter, since_ns=since_ns) for exporter in exporters]
        _say(told)
        if follow:
            _follow(exporting.send, exporters, told)
    finally:
        for exporter in exporters:
            exporter.close()
    sys.exit(1 if any(one.problem for one in told) else 0)


def send_due(config: Path | None, data_dir: Path | None) -> None:
    """Tell the exporters of the settings what is due, within the deadline; whatever fails is said, and no failure."""
    settings = load(file=config, overrides={"data_dir": data_dir})
    if not settings.lineage.exporters:
        return
    sending = _Sending(settings)
    is_done = sending.wait(settings.lineage.export_deadline_s)
    _say(sending.told, "  ")
    if sending.problem is not None:
        click.echo(f"  Not exported: {sending.problem}", err=True)
    elif not is_done:
        waited = f"{settings.lineage.export_deadline_s:g} s"
        click.echo(f"  Not exported within {waited}; `backtalk lineage export` sends it.", err=True)


class _Sending:
    """What exporters are told in a thread that nobody has to wait for; it ends with the process."""

    def __init__(self, settings: Settings) -> None:
        self.told: list[Told] = []
        self.problem: str | None = None
        self._settings = settings
        self._done = threading.Event()
        threading.Thread(target=self._run, name="lineage-export", daemon=True).start()

    def wait(self, deadline_s: float) -> bool:
        """Whether all was tried in time."""
        return self._done.wait(deadline_s)

    def _run(self) -> None:
        from backtalk.lineage.exporting import Exporting, Tries  # noqa: PLC0415 -- loaded when used

        try:
            exporting = Exporting(self._settings.data_dir, tries=Tries(most=1))
            for exporter in _exporters(self._settings, ()):
                self.told.append(exporting.send(exporter))
                exporter.close()
        except Exception as error:  # noqa: BLE001 # what was built is built, whatever an exporter does
            self.problem = str(error)
        finally:
            self._done.set()


def _exporters(settings: Settings, names: Sequence[str]) -> "list[LineageExporter]":
    from backtalk.plugin import discovery  # noqa: PLC0415 -- loaded when used

    wanted = tuple(names) or settings.lineage.exporters
    if not wanted:
        known = ", ".join(sorted(discovery.installed(discovery.LINEAGE_EXPORTERS)))
        message = f"name an exporter with --to, or set lineage.exporters; installed are: {known}"
        raise SetupError(message, code="no_exporter")
    return discovery.load_lineage_exporters(wanted, settings.plugin)


def _follow(
    send: "Callable[[LineageExporter], Told]", exporters: "Sequence[LineageExporter]", told: "Sequence[Told]"
) -> None:
    """Look again and again; after failures with growing pauses."""
    pause, failures = threading.Event(), 0
    while True:
        failures = failures + 1 if any(one.problem for one in told) else 0
        pause.wait(min(_LOOK_S * 2.0 ** min(failures, 10), _MOST_S))
        before, told = told, [send(exporter) for exporter in exporters]
        _say([one for one, earlier in zip(told, before, strict=True) if _is_news(one, earlier)])


def _is_news(told: "Told", before: "Told") -> bool:
    return bool(told.sent or told.refused or told.without_event) or told.problem != before.problem


def _say(told: "Sequence[Told]", begin: str = "") -> None:
    for one in told:
        passed = f", {one.without_event} have no event" if one.without_event else ""
        click.echo(f"{begin}{one.exporter}: {one.sent} records sent{passed}")
        for refused in one.refused:
            click.echo(f"{begin}{one.exporter} refuses {refused}", err=True)
        if one.problem:
            click.echo(f"{begin}{one.exporter}: {one.waiting} records wait: {one.problem}", err=True)
