"""The commands that look back at signals: `backtalk replay`, `backtalk signals report` and `... calibrate`.

Arguments come in, tables and files go out. Each imports what it needs when it runs.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from backtalk import clock
from backtalk.commands.options import settings_options
from backtalk.errors import SetupError
from backtalk.settings import Settings, load

if TYPE_CHECKING:
    from backtalk.ledger.reader import LedgerReader
    from backtalk.model.ids import CallKey
    from backtalk.quality.intervals import Share
    from backtalk.review.report import Reading

_DAY: Final = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
_GROUPS: Final = ("model", "model_served", "route", "target", "instructions", "upstream")
_END_NS: Final = (1 << 63) - 1


@click.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="JSONL file to write.")
@click.option("--detectors", help="Detectors to run, with commas. [default: those of the settings]")
@click.option("--since", type=_DAY, help="First instant, UTC.")
@click.option("--until", type=_DAY, help="First instant that is not in it, UTC.")
@click.option("--write", is_flag=True, help="Let what differs count: hand it to the worker for the ledger.")
@click.option("--relink", is_flag=True, help="Also write the links that were rebuilt, and say how they differ.")
@settings_options
def replay(
    out: Path,
    detectors: str | None,
    since: datetime | None,
    until: datetime | None,
    write: bool,
    relink: bool,
    config: Path | None,
    data_dir: Path | None,
) -> None:
    """Run detectors over past calls; say what differs.

    Sessions are inferred anew in a store of their own. The same ledger and detectors give the same bytes.
    """
    from backtalk.review import looking_back  # noqa: PLC0415 -- loaded when used

    settings = load(file=config, overrides={"data_dir": data_dir})
    usual = (*settings.detect.detectors, *settings.annotate.annotators)
    names = tuple(detectors.split(",")) if detectors else usual
    within = looking_back.Range(_ns(since, 0), _ns(until, _END_NS))
    look = looking_back.write if write else looking_back.look_back
    found = look(_ledger(settings), settings, names, within)
    out.write_bytes(looking_back.lines(found, links=relink))
    click.echo(f"{found.calls} calls, {len(found.signals)} signals in {out}")
    click.echo(f"{'detector':18}{'kind':28}{'same':>8}{'changed':>9}{'added':>8}{'gone':>8}")
    for each in found.differences:
        click.echo(f"{each.detector:18}{each.kind:28}{each.same:8}{each.changed:9}{each.added:8}{each.gone:8}")
    if relink:
        place = found.relinked
        click.echo(f"links: {place.same} as before, {place.moved} elsewhere, {place.added} that had none")
    if write:
        click.echo(_written(found.number, len(found.changes)))


def _written(number: int, count: int) -> str:
    if not count:
        return "nothing differs from what counts, so nothing is written"
    return f"replay {number}: {count} rows were handed to the worker; `backtalk serve` writes them into the ledger"


@click.group()
def signals() -> None:
    """Judge what was noticed."""


@signals.command("report")
@settings_options
def signals_report(config: Path | None, data_dir: Path | None) -> None:
    """Compare signals with what people said.

    For each detector: volume, precision and lift against ratings with 95% intervals, how its probabilities turned
    out, and which rules fired.
    """
    from backtalk.review.report import report  # noqa: PLC0415 -- loaded when used

    reader = _ledger(load(file=config, overrides={"data_dir": data_dir}))
    rated = _rated(reader)
    click.echo(f"{len(rated)} answers were rated, {sum(not up for up in rated.values())} of them down")
    for reading in report(reader.everything("signals", order="found_ns"), rated):
        _show(reading)


@signals.command("calibrate")
@settings_options
def signals_calibrate(config: Path | None, data_dir: Path | None) -> None:
    """Teach probabilities what ratings say.

    Writes a curve for each tenant's detector with enough rated claims; `backtalk serve` takes it up at its next start.
    """
    from backtalk.detect.calibration import write_calibration  # noqa: PLC0415 -- loaded when used
    from backtalk.review.report import ENOUGH, calibrations  # noqa: PLC0415

    settings = load(file=config, overrides={"data_dir": data_dir})
    reader = _ledger(settings)
    rated = _rated(reader)
    calibration = calibrations(reader.everything("signals", order="found_ns"), rated)
    count = sum(len(curves) for curves in calibration.curves.values())
    if not count:
        click.echo(f"too few rated answers: {ENOUGH} with a signal of one kind are needed, both up and down among them")
        return
    path = write_calibration(calibration, settings.data_dir)
    click.echo(f"{count} curves in {path}, version {calibration.version}")


@signals.command("abandonment")
@click.option(
    "--by", type=click.Choice(_GROUPS), default="model", show_default=True, help="What answers are grouped by."
)
@click.option(
    "--wait-s", type=click.FloatRange(min=1), help="Silence that ends a session. [default: session.visit_gap_s]"
)
@click.option("--since", type=_DAY, help="First instant, UTC.")
@click.option("--until", type=_DAY, help="First instant that is not in it, UTC.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@settings_options
def signals_abandonment(
    by: str,
    wait_s: float | None,
    since: datetime | None,
    until: datetime | None,
    as_json: bool,
    config: Path | None,
    data_dir: Path | None,
) -> None:
    """Say how often sessions ended on an answer.

    The share of answers after which no call of the session came, by group and beside the share of all answers, with
    95% intervals. It is counted in the time of facts: the same ledger gives the same figures.
    """
    from backtalk.review.ended_sessions import ended_sessions  # noqa: PLC0415 -- loaded when used

    settings = load(file=config, overrides={"data_dir": data_dir})
    wait_ns = int((wait_s or settings.session.visit_gap_s) * clock.NS_PER_S)
    baseline, groups = ended_sessions(_ledger(settings), by, wait_ns, (_ns(since, 0), _ns(until, _END_NS)))
    for each in (baseline, *groups):
        if as_json:
            click.echo(json.dumps({"by": by, **each._asdict(), "share": each.share._asdict()}))
        else:
            click.echo(f"{each.group[:40]:42}{_share(each.share)}, {each.undecided} undecided")


def _show(reading: "Reading") -> None:
    name = f"{reading.kind} ({reading.detector} {reading.version}, {reading.polarity})"
    click.echo(f"\n{name}: {reading.volume} signals, mean probability {reading.claimed:.2f}")
    if reading.precision.cases:
        lift = "" if reading.lift is None else f", lift {reading.lift:.1f}"
        click.echo(f"  precision {_share(reading.precision)}{lift}")
        for claimed, share in reading.curve:
            click.echo(f"  claimed {claimed:.2f}, found {_share(share)}")
    elif reading.polarity != "neutral":
        click.echo("  no answer with this signal was rated")
    if reading.calibration is not None:
        curve = reading.calibration
        click.echo(
            f"  calibration: slope {curve.slope:.3f}, intercept {curve.intercept:.3f}; error {reading.error:.3f}"
        )
    elif reading.precision.cases:
        click.echo("  too few rated answers, or all alike, to calibrate")
    for rule, count in reading.rules:
        click.echo(f"  {count:6} {rule}")


def _share(share: "Share") -> str:
    return f"{share.value:.2f} [{share.low:.2f}, {share.high:.2f}] of {share.cases}"


def _ledger(settings: Settings) -> "LedgerReader":
    from backtalk.ledger.reader import LedgerReader  # noqa: PLC0415 -- loaded when used

    reader = LedgerReader(settings.data_dir / "ledger").pinned()
    if not reader.versions():
        ledger_root = settings.data_dir / "ledger"
        raise SetupError(f"there is no ledger in {ledger_root}: run `backtalk serve` first", code="no_ledger")
    return reader


def _rated(reader: "LedgerReader") -> "dict[CallKey, bool]":
    from backtalk.review.report import ratings  # noqa: PLC0415 -- loaded when used

    feedback, calls = reader.everything("feedback", order="given_ns"), reader.everything("calls", order="opened_ns")
    return ratings(feedback, calls, reader.messages)


def _ns(instant: datetime | None, otherwise: int) -> int:
    return otherwise if instant is None else int(instant.replace(tzinfo=UTC).timestamp()) * clock.NS_PER_S
