"""`backtalk pipeline`: enough was learned, so build, check, train, measure, and propose.

Arguments come in, lines or JSON go out. They work on the data directory itself; models are asked through the Backtalk
that the pipeline names.
"""

import getpass
import signal
import sys
import threading
from pathlib import Path

import click
import msgspec

from backtalk.commands.exports import send_due
from backtalk.commands.lineage import by_option, json_option
from backtalk.commands.options import settings_options
from backtalk.settings import Settings, load

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def pipeline() -> None:
    """Train on what was learned, measure it, and propose it.

    A pipeline is a TOML file: docs/pipelines.md.
    """


@pipeline.command()
@click.argument("file", type=_FILE)
@json_option
@settings_options
def check(file: Path, as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """Say of every gate whether it is open, and why.

    The status is 0 where a run would begin, and 1 where none would.
    """
    from backtalk.commands import show_pipeline  # noqa: PLC0415 -- loaded when used
    from backtalk.pipeline.definition import load_pipeline  # noqa: PLC0415
    from backtalk.pipeline.running import check as check_parts  # noqa: PLC0415
    from backtalk.pipeline.running import verdict_of  # noqa: PLC0415

    settings, followed = _settings(config, data_dir), load_pipeline(file)
    check_parts(followed, settings.plugin)
    found, _ = verdict_of(settings.data_dir.resolve(), followed)
    show_pipeline.verdict(found.document, as_json=as_json)
    sys.exit(0 if found.fires else 1)


@pipeline.command("run")
@click.argument("file", type=_FILE)
@click.option("--force", is_flag=True, help="Begin a run whatever the gates say.")
@by_option
@settings_options
def run_once(file: Path, force: bool, actor: str, config: Path | None, data_dir: Path | None) -> None:
    """Go on with the run that is not over, or begin one where the gates are open.

    A run that was killed goes on with the step that was not done. The status is 1 where a step failed.
    """
    from backtalk.commands import show_pipeline  # noqa: PLC0415 -- loaded when used
    from backtalk.pipeline.definition import load_pipeline  # noqa: PLC0415
    from backtalk.pipeline.running import Asked, run  # noqa: PLC0415
    from backtalk.plugin import TrainingFailedError  # noqa: PLC0415
    from backtalk.telemetry import Metrics  # noqa: PLC0415

    settings = _settings(config, data_dir)
    data, metrics = settings.data_dir.resolve(), Metrics("pipeline")
    _end_as_an_interrupt()
    try:
        asked = Asked(actor, force, settings.plugin)
        done = run(data, load_pipeline(file), asked, metrics=metrics, say=click.echo)
    except TrainingFailedError as error:
        click.echo(f"backtalk: no model came of it: {error}", err=True)
        sys.exit(1)
    finally:
        metrics.publish(data / "metrics")
    show_pipeline.done(done)
    send_due(config, data_dir)


@pipeline.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option(
    "--every",
    "interval_s",
    type=click.FloatRange(min=1),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="How often each is looked at; a trigger of the admin listener is seen within a second.",
)
@by_option
@settings_options
def watch(files: tuple[Path, ...], interval_s: float, actor: str, config: Path | None, data_dir: Path | None) -> None:
    """Look at pipelines again and again, and run each when it is due.

    Ends with an interrupt; a run that it was at goes on with the next start.
    """
    from backtalk.pipeline.running import Asked  # noqa: PLC0415 -- loaded when used
    from backtalk.pipeline.watching import Watch  # noqa: PLC0415
    from backtalk.telemetry import Metrics  # noqa: PLC0415

    settings = _settings(config, data_dir)
    data, metrics, over = settings.data_dir.resolve(), Metrics("pipeline"), threading.Event()
    asked = Asked(actor, plugins=settings.plugin)
    watched = Watch(data, files, asked, interval_s=interval_s, metrics=metrics, say=click.echo)
    _end_as_an_interrupt()
    click.echo(f"Watching {', '.join(path.stem for path in files)}")

    told: list[object] = []

    def wait(pause_s: float) -> bool:
        points = metrics.snapshot().points
        if told != [points]:
            metrics.publish(data / "metrics")
            told[:] = [points]
        return over.wait(pause_s)

    try:
        watched.go(wait)
    except KeyboardInterrupt:
        click.echo("ended")


@pipeline.command("list")
@json_option
@settings_options
def list_runs(as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """List the runs of all pipelines, newest first."""
    from backtalk.commands import show_pipeline  # noqa: PLC0415 -- loaded when used
    from backtalk.pipeline.finding import all_runs, proposals  # noqa: PLC0415

    data = _settings(config, data_dir).data_dir.resolve()
    made = proposals(data)
    show_pipeline.runs([one.document(made) for one in reversed(all_runs(data))], as_json=as_json)


@pipeline.command()
@click.argument("run")
@json_option
@settings_options
def show(run: str, as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """Show a RUN by its id, or a pipeline's latest: every step with what it gave."""
    from backtalk.commands import show_pipeline  # noqa: PLC0415 -- loaded when used
    from backtalk.pipeline.finding import find, proposals  # noqa: PLC0415

    data = _settings(config, data_dir).data_dir.resolve()
    show_pipeline.run(find(data, run).document(proposals(data)), as_json=as_json)


@pipeline.command()
@click.argument("run")
@click.option("--reason", required=True, help="Why; it is kept.")
@by_option
@settings_options
def promote(run: str, reason: str, actor: str, config: Path | None, data_dir: Path | None) -> None:
    """Let the name mean what a RUN proposes.

    `backtalk ref rollback` leads back.
    """
    from backtalk.pipeline import finding  # noqa: PLC0415 -- loaded when used

    data = _settings(config, data_dir).data_dir.resolve()
    record = finding.promote(data, run, actor=actor, reason=reason)
    body = msgspec.to_builtins(record.body)
    parts = ", ".join(f"{part}={value}" for part, value in body["target"].items())
    click.echo(f"{body['name']} means {parts}: record {record.number}")
    send_due(config, data_dir)


@pipeline.command()
@click.argument("run")
@click.option("--reason", required=True, help="Why; it is kept.")
@by_option
@settings_options
def reject(run: str, reason: str, actor: str, config: Path | None, data_dir: Path | None) -> None:
    """Say no to what a RUN proposes."""
    from backtalk.pipeline import finding  # noqa: PLC0415 -- loaded when used

    record = finding.reject(_settings(config, data_dir).data_dir.resolve(), run, actor=actor, reason=reason)
    click.echo(f"rejected, record {record.number}")
    send_due(config, data_dir)


@pipeline.command()
@click.argument("name")
@click.option("--reason", default="given up", show_default=True, help="Why; it is kept.")
@settings_options
def abandon(name: str, reason: str, config: Path | None, data_dir: Path | None) -> None:
    """Give up the run of the pipeline NAME that is not over, so that the next one begins anew."""
    from backtalk.pipeline.running import abandon as give_up  # noqa: PLC0415 -- loaded when used

    given_up = give_up(_settings(config, data_dir).data_dir.resolve(), name, reason=f"{reason} ({getpass.getuser()})")
    click.echo(f"run {given_up.run_id} is abandoned")


def _settings(config: Path | None, data_dir: Path | None) -> Settings:
    return load(file=config, overrides={"data_dir": data_dir})


def _end_as_an_interrupt() -> None:
    """Let a service's end be as an interrupt: a trainer stops what it started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
