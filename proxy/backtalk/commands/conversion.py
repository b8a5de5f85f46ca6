"""`backtalk conversion`: which share of what was noticed and said became rows of datasets, and why not the rest.

Arguments come in, a table or JSON goes out. It reads the data directory itself, so it needs no running Backtalk.
"""

from datetime import datetime
from pathlib import Path

import click

from backtalk import clock
from backtalk.commands.audit import DAYS, INSTANT, instant_ns
from backtalk.commands.options import settings_options
from backtalk.errors import RequestError, SetupError
from backtalk.settings import load


@click.command()
@click.option("--since", type=INSTANT, help=f"First instant, UTC. [default: {DAYS} days before the end]")
@click.option("--until", type=INSTANT, help="First instant that is not in it, UTC. [default: now]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@settings_options
def conversion(
    since: datetime | None, until: datetime | None, as_json: bool, config: Path | None, data_dir: Path | None
) -> None:
    """Say which share of signals and feedback became rows of datasets.

    By kind and age, with 95% intervals; what became no row is counted by its reason.
    """
    from backtalk.commands import show_conversion  # noqa: PLC0415 -- loaded when used
    from backtalk.quality.conversion import conversion as ask  # noqa: PLC0415
    from backtalk.quality.coverage_queries import Period  # noqa: PLC0415

    directory = load(file=config, overrides={"data_dir": data_dir}).data_dir
    if not (directory / "ledger").exists():
        message = f"there is no ledger in {directory / 'ledger'}: run `backtalk serve` first"
        raise SetupError(message, code="no_ledger")
    now_ns = clock.now().wall_ns
    until_ns = now_ns if until is None else instant_ns(until)
    since_ns = until_ns - DAYS * 86_400 * clock.NS_PER_S if since is None else instant_ns(since)
    if since_ns >= until_ns:
        raise RequestError("--since must be before --until", code="bad_period")
    show_conversion.conversion(ask(directory, Period(since_ns, until_ns), now_ns), as_json=as_json)
