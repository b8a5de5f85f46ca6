"""`backtalk ref`: names for what is in use, with a history and a way back.

In: options. Out: lines, or JSON. The one rule: nothing is overwritten; who set what, when and why stays.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from backtalk.commands.exports import send_due
from backtalk.commands.lineage import by_option, catalogue, directory, json_option
from backtalk.commands.options import settings_options
from backtalk.commands.runs import pairs

if TYPE_CHECKING:
    from backtalk.lineage.catalogue import Catalogue
    from backtalk.lineage.records import Record, RefSet


@click.group()
def ref() -> None:
    """Name what is in use: evaluation sets, judge prompt, weights, route.

    A part whose name ends in `dataset` or `run` must be one that is registered, and is kept by its id.
    """


@ref.command("set")
@click.argument("name")
@click.argument("parts", nargs=-1, required=True, metavar="PART=VALUE...")
@click.option("--reason", required=True, help="Why; it is kept.")
@by_option
@settings_options
def set_name(
    name: str, parts: tuple[str, ...], reason: str, actor: str, config: Path | None, data_dir: Path | None
) -> None:
    """Let NAME mean these parts from now on, all of them together."""
    from backtalk.lineage.keeping import set_ref  # noqa: PLC0415 -- loaded when used

    record = set_ref(directory(config, data_dir), name, pairs(parts), actor=actor, reason=reason)
    click.echo(_line(record, record.body))
    send_due(config, data_dir)


@ref.command("list")
@json_option
@settings_options
def list_names(as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """List what every name means now."""
    from backtalk.commands import show_lineage  # noqa: PLC0415 -- loaded when used

    known = catalogue(directory(config, data_dir))
    show_lineage.refs([_told(known, record, body) for record, body in known.refs.values()], as_json=as_json)


@ref.command("show")
@click.argument("name")
@json_option
@settings_options
def show_name(name: str, as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """Show what NAME means now; what of it was erased since is said, with what replaced it."""
    from backtalk.commands import show_lineage  # noqa: PLC0415 -- loaded when used

    known = catalogue(directory(config, data_dir))
    show_lineage.refs([_told(known, *known.history(name)[-1])], as_json=as_json)


@ref.command("history")
@click.argument("name")
@json_option
@settings_options
def history(name: str, as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """List what a name has meant, by whom and why, newest first."""
    from backtalk.commands import show_lineage  # noqa: PLC0415 -- loaded when used

    known = catalogue(directory(config, data_dir))
    show_lineage.refs([_told(known, *one) for one in reversed(known.history(name))], as_json=as_json)


@ref.command("rollback")
@click.argument("name")
@click.option("--to", type=int, metavar="NUMBER", help="A record of the history. [default: what it meant before]")
@click.option("--reason", required=True, help="Why; it is kept.")
@by_option
@settings_options
def rollback(name: str, to: int | None, reason: str, actor: str, config: Path | None, data_dir: Path | None) -> None:
    """Let NAME mean again what it meant before: all of its parts at once."""
    from backtalk.lineage.keeping import roll_back  # noqa: PLC0415 -- loaded when used

    record = roll_back(directory(config, data_dir), name, actor=actor, reason=reason, to=to)
    click.echo(_line(record, record.body))
    send_due(config, data_dir)


def _line(record: "Record", body: Any) -> str:
    replaced = f", before that record {body.replaced}" if body.replaced else ""
    back = f" as in record {body.rolled_back_to}" if body.rolled_back_to else ""
    parts = ", ".join(f"{part}={value}" for part, value in body.target.items())
    return f"{body.name} means {parts}{back}: record {record.number}{replaced}"


def _told(known: "Catalogue", record: "Record", body: "RefSet") -> dict[str, Any]:
    said = {"number": record.number, "at_ns": record.at_ns, "actor": record.actor}
    return {**msgspec.to_builtins(body), **said, "erased": known.erased_in(body.target)}
