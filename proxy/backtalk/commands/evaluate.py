"""`backtalk evaluate`: ask a dataset's cases of a model through Backtalk, score the answers, compare two evaluations.

In: options. Out: `scores.json`, and a table. Each imports what it needs when it runs.
"""

import json
from pathlib import Path
from typing import Any, cast

import click

from backtalk.commands.lineage import by_option, directory, json_option
from backtalk.commands.options import settings_options
from backtalk.commands.runs import pairs
from backtalk.errors import RequestError

_path = click.Path(path_type=Path)


@click.group()
def evaluate() -> None:
    """Ask a dataset's cases of a model through Backtalk, score the answers, and compare."""


@evaluate.command("run")
@click.argument("dataset")
@click.option("--model", required=True, help="The model to evaluate, as Backtalk's clients name it.")
@click.option("--base-url", required=True, help="Backtalk's URL with /v1, as a client would set it.")
@click.option(
    "--out", type=_path, required=True, help="Folder of the scores; named again, it goes on where it stopped."
)
@click.option(
    "--scorer", "scorers", multiple=True, help="exact, includes, json_schema, tool_calls or judge; may be repeated."
)
@click.option("--judge-model", help="The model that judges, asked at the same URL.")
@click.option("--judge-prompt", type=_path, help="The judge's instructions, a text file. [default: one comes along]")
@click.option("--schema", type=_path, help="A JSON Schema that answers must keep, for json_schema.")
@click.option("--param", "params", multiple=True, metavar="NAME=JSON", help="A field of each request; may be repeated.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first cases.")
@click.option("--concurrency", type=click.IntRange(1, 256), default=8, show_default=True, help="Calls at once.")
@click.option("--key-env", metavar="NAME", help="The environment variable that holds the key.")
@click.option("--feedback", is_flag=True, help="Send the scores back as feedback on each answer.")
@click.option("--feedback-key-env", metavar="NAME", help="The key for that, such as a judge's. [default: --key-env]")
@click.option("--register", "name", metavar="NAME", help="Register it as a run by this name.")
@by_option
@json_option
@settings_options
def run(config: Path | None, data_dir: Path | None, **given: Any) -> None:
    """Evaluate a model on DATASET: a registered name, an id, or a folder of eval_case rows.

    Errors of the provider are counted apart; say the same command again, and only they are asked again.
    """
    from backtalk.commands import show_evaluation  # noqa: PLC0415 -- loaded when used
    from backtalk.evaluation import cases, judging, plan, registering, telling  # noqa: PLC0415
    from backtalk.evaluation.run import evaluate as evaluated  # noqa: PLC0415
    from backtalk.settings import key_variable  # noqa: PLC0415

    data = directory(config, data_dir)
    judge_model, file = given["judge_model"], given["schema"]
    planned = plan.Plan(
        dataset=cases.locate(data, given["dataset"]),
        model=given["model"],
        base_url=given["base_url"],
        scorers=given["scorers"] or (("judge",) if judge_model else ("includes",)),
        judge=plan.Judge(judge_model, judging.load_prompt(given["judge_prompt"])) if judge_model else None,
        params={name: _json(name, value) for name, value in pairs(given["params"]).items()},
        schema=None if file is None else _schema(file),
        limit=given["limit"],
        concurrency=given["concurrency"],
        key_env=given["key_env"],
    )
    with show_evaluation.progress() as told:
        scores = evaluated(planned, given["out"], ledger=data / "ledger", progress=told)
    show_evaluation.scores(scores, given["out"], as_json=given["as_json"])
    if given["feedback"]:
        variable = given["feedback_key_env"] or given["key_env"]
        sent = telling.tell(scores, variable and key_variable(variable, "--feedback-key-env"))
        click.echo(f"{sent} scores sent as feedback", err=True)
    if given["name"]:
        record = registering.register_evaluation(data, scores, given["out"], name=given["name"], actor=given["actor"])
        click.echo(f"registered as {given['name']}: record {record.number}", err=True)


@evaluate.command("compare")
@click.argument("current", type=_path)
@click.argument("candidate", type=_path)
@json_option
def compare_command(current: Path, candidate: Path, as_json: bool) -> None:
    """Compare two evaluations case by case: CANDIDATE against CURRENT, each a folder or its scores.json."""
    from backtalk.commands import show_evaluation  # noqa: PLC0415 -- loaded when used
    from backtalk.evaluation.comparison import compare  # noqa: PLC0415
    from backtalk.evaluation.scores import read_scores  # noqa: PLC0415

    show_evaluation.comparison(compare(read_scores(current), read_scores(candidate)), as_json=as_json)


def _json(name: str, value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        raise RequestError(f"--param {name} must be JSON, not {value!r}", code="bad_arguments") from None


def _schema(file: Path) -> dict[str, Any]:
    try:
        found: object = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise RequestError(f"{file} is no JSON Schema: {error}", code="bad_arguments") from error
    if not isinstance(found, dict):
        raise RequestError(f"{file} must hold a JSON object", code="bad_arguments")
    return cast("dict[str, Any]", found)
