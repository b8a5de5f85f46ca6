"""`backtalk lineage`, and the commands of `backtalk dataset` that ask what was built.

In: options. Out: lines, or JSON. They read and write the data directory itself, so they need no running Backtalk.
"""

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from backtalk.commands.exports import send_due
from backtalk.commands.options import settings_options
from backtalk.settings import load

if TYPE_CHECKING:
    from backtalk.lineage.catalogue import Catalogue

by_option = click.option("--by", "actor", default=getpass.getuser, help="Who says so. [default: your login name]")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def lineage() -> None:
    """Check and read the record of what was built from what."""


@lineage.command("verify")
@click.option("--head", metavar="HASH", help="The head that an earlier check printed, noted elsewhere.")
@json_option
@settings_options
def verify_command(head: str | None, as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """Check that no record, no manifest and no file of a dataset was changed.

    The status is 1 where something was. Note the head elsewhere: with it the next check also finds a log that was
    written anew as a whole.
    """
    from backtalk.commands import show_lineage  # noqa: PLC0415 -- loaded when used
    from backtalk.lineage.verify import verify  # noqa: PLC0415

    verdict = verify(directory(config, data_dir), noted_head=head)
    show_lineage.verdict(verdict._asdict(), as_json=as_json)
    sys.exit(1 if verdict.findings else 0)


@lineage.command("log")
@json_option
@settings_options
def log_command(as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """List every record: who said what, when."""
    from backtalk.commands import show_lineage  # noqa: PLC0415 -- loaded when used
    from backtalk.lineage.log import LineageLog  # noqa: PLC0415

    records = [msgspec.to_builtins(record) for record in LineageLog(directory(config, data_dir)).records()]
    show_lineage.log(records, as_json=as_json)


@click.command("list")
@click.option("--all", "retired", is_flag=True, help="Also those that are retired.")
@json_option
@settings_options
def dataset_list(retired: bool, as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """List the registered datasets, newest first."""
    from backtalk.commands import show_lineage  # noqa: PLC0415 -- loaded when used

    found = [entry.document for entry in reversed(catalogue(directory(config, data_dir)).datasets)]
    show_lineage.datasets([one for one in found if retired or one["retired"] is None], as_json=as_json)


@click.command("show")
@click.argument("dataset")
@json_option
@settings_options
def dataset_show(dataset: str, as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """Show a dataset by its name or id: recipe, table versions, files, and what was left out."""
    from backtalk.commands import show_lineage  # noqa: PLC0415 -- loaded when used
    from backtalk.lineage import manifests  # noqa: PLC0415

    entry = catalogue(directory(config, data_dir)).dataset(dataset)
    manifest = manifests.load(directory(config, data_dir), entry.built)
    show_lineage.dataset(entry.document | {"left_out": manifest.left_out_counts}, as_json=as_json)


@click.command("register")
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--name", help="How it is called. [default: the manifest's name, or the file's]")
@by_option
@settings_options
def dataset_register(path: Path, name: str | None, actor: str, config: Path | None, data_dir: Path | None) -> None:
    """Register a dataset that was built elsewhere: its directory, manifest or file."""
    from backtalk.lineage.keeping import register_dataset  # noqa: PLC0415 -- loaded when used

    record = register_dataset(directory(config, data_dir), path, actor=actor, name=name)
    body = msgspec.to_builtins(record.body)
    click.echo(f"{body['dataset_id']}  {body['name']}: {body['rows']} rows, record {record.number}")
    send_due(config, data_dir)


@click.command("retire")
@click.argument("dataset")
@click.option("--reason", required=True, help="Why; it is kept.")
@by_option
@settings_options
def dataset_retire(dataset: str, reason: str, actor: str, config: Path | None, data_dir: Path | None) -> None:
    """Say that a dataset is not used any more: the table versions it names may go."""
    from backtalk.lineage.keeping import retire_dataset  # noqa: PLC0415 -- loaded when used

    record = retire_dataset(directory(config, data_dir), dataset, actor=actor, reason=reason)
    click.echo(f"retired, record {record.number}")
    send_due(config, data_dir)


def directory(config: Path | None, data_dir: Path | None) -> Path:
    """The data directory that the options and settings name."""
    return load(file=config, overrides={"data_dir": data_dir}).data_dir


def catalogue(data_dir: Path) -> "Catalogue":
    """What holds now."""
    from backtalk.lineage.catalogue import Catalogue  # noqa: PLC0415 -- loaded when used
    from backtalk.lineage.log import LineageLog  # noqa: PLC0415

    return Catalogue(LineageLog(data_dir).records())
