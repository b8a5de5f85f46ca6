"""The commands that build datasets: `backtalk dataset build`, `... recipes` and `... verify`.

Arguments come in, files and a report for a person go out. Each imports what it needs when it runs.
"""

import getpass
from pathlib import Path

import click
import msgspec

from backtalk.commands.exports import send_due
from backtalk.commands.options import settings_options
from backtalk.settings import load


@click.group()
def dataset() -> None:
    """Build datasets from what was learned, list and compare them."""


@dataset.command("build")
@click.argument("recipe")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Folder to make, or one .jsonl file to write."
)
@click.option("--previous", type=click.Path(path_type=Path), help="Folder of the dataset that this one comes after.")
@settings_options
def dataset_build(recipe: str, out: Path, previous: Path | None, config: Path | None, data_dir: Path | None) -> None:
    """Write a dataset and the manifest that names every fact in it.

    RECIPE: a TOML file, or one of sft, dpo, kto, reward, grpo, eval, tool_use.
    """
    from backtalk.commands import show_dataset, show_progress  # noqa: PLC0415 -- loaded when used
    from backtalk.datasets.making import make  # noqa: PLC0415
    from backtalk.datasets.recipe import load_recipe  # noqa: PLC0415

    followed = load_recipe(recipe)
    data = load(file=config, overrides={"data_dir": data_dir}).data_dir
    with show_progress.progress() as told:
        made = make(data, followed, out, actor=getpass.getuser(), previous=previous, progress=told)
    click.echo(show_dataset.report(made.built))
    record = made.record
    click.echo(f"  Registered as record {record.number}: `backtalk dataset show {out.stem}`")
    if (replaced := msgspec.to_builtins(record.body)["replaced"]) is not None:
        click.echo(f"  It takes the place of record {replaced}, whose files it was written over.")
    send_due(config, data_dir)


@dataset.command("recipes")
@click.argument("name", required=False)
def dataset_recipes(name: str | None) -> None:
    """List the recipes that come along, with their builders; or print one, to begin your own with."""
    from backtalk.datasets.recipe import built_in, load_recipe  # noqa: PLC0415 -- loaded when used

    if name is not None:
        click.echo(load_recipe(name).text, nl=False)
        return
    for known in built_in():
        recipe = load_recipe(known)
        click.echo(f"{known:<10} {recipe.kind:<20} {recipe.description}")


@dataset.command("verify")
@click.argument("place", type=click.Path(path_type=Path))
@click.pass_context
def dataset_verify(ctx: click.Context, place: Path) -> None:
    """Compare the files of a dataset, a folder or a single file, with its manifest."""
    from backtalk.datasets.manifest import broken_files, manifest_sha256  # noqa: PLC0415 -- loaded when used

    broken = broken_files(place)
    for name in broken:
        click.echo(f"changed or gone: {name}", err=True)
    if broken:
        ctx.exit(1)
    click.echo(f"{manifest_sha256(place)}  every file is as its manifest says")


@dataset.command("weights")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="TOML file to write.")
@settings_options
@click.pass_context
def dataset_weights(ctx: click.Context, /, out: Path, config: Path | None, data_dir: Path | None) -> None:
    """Fit what each kind of evidence weighs to the ledger's labels, outcomes and reviews.

    A recipe takes the file by `weights` in [quality]. Nothing is written, and the status is 1, where the fitted weights
    foretell verdicts of held-out sessions no better than the stated ones.
    """
    from backtalk.commands import show_progress, show_weights  # noqa: PLC0415 -- loaded when used
    from backtalk.datasets.queries.scope import Scope  # noqa: PLC0415
    from backtalk.datasets.weighing import weigh, weights_text  # noqa: PLC0415

    data = load(file=config, overrides={"data_dir": data_dir}).data_dir
    with show_progress.progress() as told:
        fitting = weigh(data / "ledger", Scope(), told)
    click.echo(show_weights.fitted(fitting))
    if not fitting.is_better:
        click.echo("The stated weights do as well: nothing is written.", err=True)
        ctx.exit(1)
    out.write_text(weights_text(fitting), encoding="utf-8")
    click.echo(f"written: {out}")
