"""`backtalk audit`: the first thing to run after a day.

Arguments come in, a table or JSON goes out. It reads the ledger itself, so it needs no running Backtalk.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from backtalk import clock
from backtalk.commands.options import settings_options
from backtalk.errors import RequestError, SetupError
from backtalk.settings import load

DAYS: Final = 30
"""The period without `--since`."""
INSTANT: Final = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
"""How an instant is given: a day or a second."""


@click.command()
@click.option("--since", type=INSTANT, help=f"First instant, UTC. [default: {DAYS} days before the end]")
@click.option("--until", type=INSTANT, help="First instant that is not in it, UTC. [default: now]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@settings_options
def audit(
    since: datetime | None, until: datetime | None, as_json: bool, config: Path | None, data_dir: Path | None
) -> None:
    """Say which answers leave no trace of success.

    For every model, endpoint, route, tenant and system prompt: the share of answers with explicit feedback, signals,
    outcomes and labels, with 95% intervals; feedback that found no call; and what to instrument next.
    """
    from backtalk.commands import show_audit  # noqa: PLC0415 -- loaded when used
    from backtalk.quality.audit import audit as ask  # noqa: PLC0415
    from backtalk.quality.coverage_queries import Period  # noqa: PLC0415

    root = load(file=config, overrides={"data_dir": data_dir}).data_dir / "ledger"
    if not root.exists():
        raise SetupError(f"there is no ledger in {root}: run `backtalk serve` first", code="no_ledger")
    now_ns = clock.now().wall_ns
    until_ns = now_ns if until is None else instant_ns(until)
    since_ns = until_ns - DAYS * 86_400 * clock.NS_PER_S if since is None else instant_ns(since)
    if since_ns >= until_ns:
        raise RequestError("--since must be before --until", code="bad_period")
    document = ask(root, Period(since_ns, until_ns), now_ns)
    click.echo(json.dumps(document, indent=2)) if as_json else show_audit.audit(document)


def instant_ns(instant: datetime) -> int:
    """A given instant in nanoseconds; it is UTC."""
    return int(instant.replace(tzinfo=UTC).timestamp()) * clock.NS_PER_S
