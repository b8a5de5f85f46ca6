"""The commands of reviewers: `backtalk review`, `backtalk review label` and `backtalk review agreement`.

Arguments come in; answers that were drawn for review, and what became of a label, go out.
"""

import getpass
import json
from pathlib import Path
from typing import Any

import click

from backtalk.commands.options import settings_options
from backtalk.settings import load


@click.group(invoke_without_command=True)
@click.option("--reviewer", default=getpass.getuser, help="Who reviews. [default: your login]")
@click.option("--limit", default=1, show_default=True, help="How many answers to show.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@settings_options
@click.pass_context
def review(
    ctx: click.Context, /, reviewer: str, limit: int, as_json: bool, config: Path | None, data_dir: Path | None
) -> None:
    """Show answers that were drawn for review.

    Nothing is shown of what was said of them, so that the label is your own. `feedback.audit` sets how many are drawn.
    """
    from backtalk.admin_client import AdminClient  # noqa: PLC0415 -- loaded when used

    admin = AdminClient.from_settings(load(file=config, overrides={"data_dir": data_dir}))
    ctx.obj = admin, reviewer
    if ctx.invoked_subcommand is None:
        document = admin.get("/v1/review", reviewer=reviewer, limit=limit)
        click.echo(json.dumps(document, indent=2) if as_json else shown(document))


@review.command()
@click.argument("item")
@click.argument("value")
@click.option("--rubric", help="The rubric that was followed.")
@click.option("--comment", help="Why.")
@click.pass_context
def label(ctx: click.Context, item: str, value: str, rubric: str | None, comment: str | None) -> None:
    """Label one answer: true, false, a number, a category, or null.

    Null says that it was looked at and could not be told.
    """
    admin, reviewer = ctx.obj
    given = {"value": value_of(value), "reviewer": reviewer, "rubric": rubric, "comment": comment}
    body = {name: said for name, said in given.items() if said is not None or name == "value"}
    told = admin.post(f"/v1/review/{item}", body)
    click.echo(f"kept as {told['feedback_id']}; the answer's chance to be drawn was {told['audit_prob']:g}")


@review.command()
@click.pass_context
def agreement(ctx: click.Context) -> None:
    """Say how far reviewers agree where several labelled."""
    admin, _ = ctx.obj
    for rubric, found in admin.get("/v1/review/agreement")["rubrics"].items():
        click.echo(f"{rubric or '(no rubric)'}: {found['labelled']} labelled, {found['agreed']['cases']} by several")
        for name in ("agreed", "alpha"):
            if (figure := found[name]) is not None:
                click.echo(f"  {name:8} {figure['value']:.2f} [{figure['low']:.2f}, {figure['high']:.2f}]")


def value_of(text: str) -> Any:
    """JSON's true, false, null and numbers are what they are; any other word is a category."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if value is None or isinstance(value, bool | int | float) else text


def shown(document: dict[str, Any]) -> str:
    """The queue's items as a reviewer reads them, without control characters."""
    from backtalk.commands.show import plain  # noqa: PLC0415 -- loaded when used

    lines: list[str] = []
    for item in document["items"]:
        lines.append(f"item {item['item']}")
        lines += [f"  {_said(message)}" for message in item["request"]["messages"]]
        lines += [f"> {_said(message)}" for message in item["answers"]]
    return plain("\n".join([*lines, f"{document['waiting']} waiting"])).plain


def _said(message: dict[str, Any]) -> str:
    text = message.get("text")
    return f"{message.get('role') or '?'}: {'(not kept)' if text is None else text}"
