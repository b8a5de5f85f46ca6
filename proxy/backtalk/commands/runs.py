"""`backtalk run`: which datasets made which model, and from whose feedback a row comes.

In: options. Out: lines, a tree, or JSON. They need no running Backtalk.
"""

import json
from pathlib import Path
from typing import Any, cast

import click
import msgspec

from backtalk.commands.exports import send_due
from backtalk.commands.lineage import by_option, catalogue, directory, json_option
from backtalk.commands.options import settings_options
from backtalk.errors import RequestError


@click.group("run")
def runs() -> None:
    """Register training and evaluation runs; ask what went into them."""


@runs.command()
@click.argument("name")
@click.option("--dataset", "datasets", multiple=True, metavar="DATASET", help="A dataset it used; may be repeated.")
@click.option("--evaluation", is_flag=True, help="It evaluated a model and trained none.")
@click.option("--artefact", metavar="PATH|URI", help="The model it made or judged; a local one is hashed.")
@click.option("--artefact-sha256", metavar="HASH", help="The hash of one that is elsewhere.")
@click.option("--base-model", help="The model that it began with.")
@click.option("--trainer", help="What trained it.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Its configuration; may be repeated.")
@click.option("--config-file", type=click.Path(path_type=Path, exists=True), help="Its configuration, a JSON object.")
@click.option("--metric", "metrics", multiple=True, metavar="NAME=NUMBER", help="A figure; may be repeated.")
@by_option
@settings_options
def register(config: Path | None, data_dir: Path | None, **given: Any) -> None:
    """Register a run: its datasets, model, configuration and figures."""
    from backtalk.lineage.keeping import register_run  # noqa: PLC0415 -- loaded when used

    file = given["config_file"]
    record = register_run(
        directory(config, data_dir),
        name=given["name"],
        purpose="evaluation" if given["evaluation"] else "training",
        datasets=given["datasets"],
        actor=given["actor"],
        artefact=given["artefact"],
        artefact_sha256=given["artefact_sha256"],
        base_model=given["base_model"],
        trainer=given["trainer"],
        config=(_object(file) if file else {}) | pairs(given["settings"]),
        metrics={name: _number(name, value) for name, value in pairs(given["metrics"]).items()},
    )
    run = msgspec.to_builtins(record.body)
    click.echo(f"{run['run_id']}  {run['name']}: {len(run['dataset_ids'])} datasets, record {record.number}")
    send_due(config, data_dir)


@runs.command("list")
@json_option
@settings_options
def list_runs(as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """List the registered runs, newest first."""
    from backtalk.commands import show_reach  # noqa: PLC0415 -- loaded when used

    found = reversed(catalogue(directory(config, data_dir)).runs)
    show_reach.runs([_told(record, run) for record, run in found], as_json=as_json)


@runs.command("show")
@click.argument("run")
@json_option
@settings_options
def show_run(run: str, as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """Show a run by its name or id, with its datasets."""
    from backtalk.commands import show_reach  # noqa: PLC0415 -- loaded when used

    known = catalogue(directory(config, data_dir))
    record, found = known.run(run)
    used = [known.dataset(name).document for name in found.dataset_ids]
    show_reach.run(_told(record, found) | {"datasets": used}, as_json=as_json)


@runs.command("why")
@click.argument("dataset")
@click.argument("row")
@json_option
@settings_options
def why_row(dataset: str, row: str, as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """Say why a ROW is in a DATASET: its calls, what was noticed, what was said, and who said it.

    ROW is its number, or the first digits of its sha256. DATASET may be a run that used one dataset. Whoever gave the
    feedback is named by the pseudonym of the ledger; texts are shown where they were captured and are still kept.
    """
    from backtalk.commands import show_reach  # noqa: PLC0415 -- loaded when used
    from backtalk.ledger.reader import LedgerReader  # noqa: PLC0415
    from backtalk.lineage import manifests  # noqa: PLC0415
    from backtalk.lineage.reach import users_of  # noqa: PLC0415
    from backtalk.lineage.why import why  # noqa: PLC0415

    data = directory(config, data_dir)
    known = catalogue(data)
    entry = known.dataset_of(dataset)
    found = manifests.row_of(manifests.load(data, entry.built), row)
    users = users_of(known, {entry.built.dataset_id})
    document = {"dataset": entry.document, **why(LedgerReader(data / "ledger"), found), **users}
    show_reach.why(document, as_json=as_json)


@runs.command("reached")
@click.argument("trace")
@json_option
@settings_options
def reached_by(trace: str, as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """Say how far a TRACE, a feedback or a signal has come: rows, runs and names."""
    from backtalk.commands import show_reach  # noqa: PLC0415 -- loaded when used
    from backtalk.lineage.reach import reached  # noqa: PLC0415

    data = directory(config, data_dir)
    show_reach.reached(reached(data, catalogue(data), trace), as_json=as_json)


@click.command("diff")
@click.argument("before")
@click.argument("after")
@json_option
@settings_options
def dataset_diff(before: str, after: str, as_json: bool, config: Path | None, data_dir: Path | None) -> None:
    """Say which rows differ between two datasets, and which facts made the difference."""
    from backtalk.commands import show_reach  # noqa: PLC0415 -- loaded when used
    from backtalk.lineage import manifests  # noqa: PLC0415
    from backtalk.lineage.differences import differences  # noqa: PLC0415

    data = directory(config, data_dir)
    one, other = (catalogue(data).dataset(name) for name in (before, after))
    found = differences(manifests.load(data, one.built), manifests.load(data, other.built))
    told = {"before": one.document, "after": other.document, **found}
    show_reach.differences(told, as_json=as_json)


def pairs(given: tuple[str, ...]) -> dict[str, str]:
    """NAME=VALUE as a mapping; raises `RequestError` for what is none."""
    wrong = [one for one in given if "=" not in one or one.startswith("=")]
    if wrong:
        raise RequestError(f"{wrong[0]!r} must be NAME=VALUE", code="bad_arguments")
    return dict(one.split("=", 1) for one in given)


def _number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise RequestError(f"the metric {name} must be a number, not {value!r}", code="bad_arguments") from None


def _object(path: Path) -> dict[str, Any]:
    try:
        found: object = json.loads(path.read_bytes())
    except ValueError as error:
        raise RequestError(f"{path} is not JSON: {error}", code="bad_arguments") from error
    if not isinstance(found, dict):
        raise RequestError(f"{path} must hold a JSON object", code="bad_arguments")
    return cast("dict[str, Any]", found)


def _told(record: Any, run: Any) -> dict[str, Any]:
    said = {"number": record.number, "registered_ns": record.at_ns, "actor": record.actor}
    return {**msgspec.to_builtins(run), **said}
