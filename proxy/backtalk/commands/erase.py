"""`backtalk erase`: order that a person's texts be erased, list orders, show one.

In: options. Out: lines, or JSON. The one rule: an order is durable when the command ends; the worker carries it out,
now or when Backtalk next runs.
"""

import getpass
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from backtalk.commands.options import settings_options
from backtalk.errors import RequestError
from backtalk.settings import load

if TYPE_CHECKING:
    from backtalk.spool.erasures import Order


@click.command()
@click.option("--session", metavar="ID", help="A session's id, inferred or as the app named it.")
@click.option("--user", metavar="ID", help="An end user as the app named it, with whole sessions, and what they said.")
@click.option("--rater", metavar="ID", help="Who gave feedback; the calls stay.")
@click.option("--trace", metavar="ID", help="All calls of a trace.")
@click.option("--tenant", metavar="HASH", help="Only of this tenant, as it stands in traces.")
@click.option("--reason", help="Why; it is kept for ever.")
@click.option("--by", "actor", help="Who orders it. [default: your login name]")
@click.option("--list", "listed", is_flag=True, help="List all orders and how far they are.")
@click.option("--show", metavar="ID", help="Show an order, with the trace ids to delete in telemetry backends.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@settings_options
def erase(
    config: Path | None, data_dir: Path | None, listed: bool, show: str | None, as_json: bool, **given: str | None
) -> None:
    """Erase a person's texts: calls, answers, what was said of them. Numbers and ids stay, and a tombstone."""
    from backtalk.spool import erasures  # noqa: PLC0415 -- loaded when used

    directory = load(file=config, overrides={"data_dir": data_dir}).data_dir
    if listed:
        _print([shown(order) for order in erasures.load(directory)], as_json=as_json)
    elif show is not None:
        _print([shown(_found(directory, show)) | {"trace_ids": list(_found(directory, show).trace_ids)}], as_json=True)
    else:
        _print([shown(_ask(directory, given))], as_json=as_json)


def _ask(data_dir: Path, given: dict[str, str | None]) -> "Order":
    import msgspec  # noqa: PLC0415 -- loaded when used

    from backtalk import installation  # noqa: PLC0415
    from backtalk.model.erased import ErasedBy  # noqa: PLC0415
    from backtalk.spool import erasures  # noqa: PLC0415

    named = {by: subject for by in ("session", "user", "rater", "trace") if (subject := given[by]) is not None}
    if len(named) != 1:
        message = "name exactly one of --session, --user, --rater and --trace"
        raise RequestError(message, code="bad_erasure")
    ((by, subject),) = named.items()
    reason = given["reason"]
    if reason is None:
        raise RequestError("say why with --reason; it is kept with the tombstone", code="bad_erasure", param="reason")
    return erasures.ask(
        data_dir,
        installation.secret(data_dir),
        by=msgspec.convert(by, ErasedBy),
        subject=subject,
        actor=given["actor"] or getpass.getuser(),
        reason=reason,
        tenant=given["tenant"],
    )


def _found(data_dir: Path, erasure_id: str) -> "Order":
    from backtalk.spool import erasures  # noqa: PLC0415 -- loaded when used

    for order in erasures.load(data_dir):
        if order.id == erasure_id:
            return order
    raise RequestError(
        f"there is no erasure {erasure_id!r}; `backtalk erase --list` names them", code="unknown_erasure"
    )


def shown(order: "Order") -> dict[str, Any]:
    """An order as it is told, without the person's name."""
    from backtalk.spool import erasures  # noqa: PLC0415 -- loaded when used

    return erasures.told(order)


def _print(orders: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(orders, indent=2))
        return
    for order in orders:
        counts = ", ".join(f"{name} {count}" for name, count in order["done"].items())
        click.echo(
            f"{order['id']}  {order['status']:<8} by {order['by']:<8} {order['actor']}: {order['reason']}  {counts}"
        )
        if order["not_reached"]:
            click.echo(f"  not reached, yours to erase: {', '.join(order['not_reached'])}")
        for run in order["trained"]:
            artefact = f", {run['artefact_uri']}" if run["artefact_uri"] else ""
            click.echo(f"  {run['purpose']} run {run['name']} ({run['run_id']}{artefact}) has used the rows")
