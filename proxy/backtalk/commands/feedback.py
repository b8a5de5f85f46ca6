"""`backtalk feedback`: one feedback from the command line, and whole files of them.

Arguments come in, a reply or a report goes out. `backtalk feedback TARGET` is `backtalk feedback send TARGET`.
"""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from backtalk import clock
from backtalk.commands.options import settings_options
from backtalk.errors import RequestError
from backtalk.settings import Settings, load

if TYPE_CHECKING:
    from backtalk.feedback_import.plan import Plan
    from backtalk.feedback_import.progress import Progress
    from backtalk.feedback_import.run import Tally

_WAIT_S: Final = 20.0


class _SendUnlessNamed(click.Group):
    """What names no command of the group is what `send` is given."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "-h", "--help"}:
            args = ["send", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_SendUnlessNamed)
def feedback() -> None:
    """Say what answers were worth.

    `backtalk feedback TARGET --up` sends one feedback, `backtalk feedback --retract ID` takes one back,
    `backtalk feedback import FILE` sends a file of them.
    """


@feedback.command()
@click.argument("target", required=False)
@click.option("--up", "value", flag_value="true", help="A thumb up.")
@click.option("--down", "value", flag_value="false", help="A thumb down.")
@click.option("--score", type=float, help="A number; name what it measures with --metric.")
@click.option("--correction", help="What the answer should have been.")
@click.option("--outcome", metavar="METRIC=VALUE", help="What became of it: true, false, null, a number or a category.")
@click.option("--event", metavar="NAME", help="What was done with it: copied, inserted, accepted, shared, ...")
@click.option("--label", metavar="VALUE", help="A reviewer's verdict, read as an outcome's value; needs such a key.")
@click.option("--rubric", metavar="NAME", help="The rubric of a label.")
@click.option("--retract", metavar="ID", help="Take a feedback back, by the id that it was answered with.")
@click.option("--comment", help="Words, alone or beside any other.")
@click.option("--metric", help="What a rating or score is about.")
@click.option("--rater", help="Who says so.")
@click.option(
    "--api-key", envvar="OPENAI_API_KEY", help="The key the call was made with: feedback stays with its owner."
)
@click.option("--url", help="The public listener. [default: the one that runs on the data directory]")
@settings_options
def send(
    config: Path | None,
    data_dir: Path | None,
    url: str | None,
    api_key: str | None,
    target: str | None,
    retract: str | None,
    **said: Any,
) -> None:
    """Say what one answer was worth.

    TARGET is any key of it: a trace id, an x-request-id, a traceparent, or the response's own id.
    """
    from backtalk.admin_client import retract_feedback, send_feedback  # noqa: PLC0415 -- loaded when used
    from backtalk.commands.feedback_words import check_retraction, feedback_body  # noqa: PLC0415
    from backtalk.listeners import addresses_of  # noqa: PLC0415 -- loaded when used

    door = url or addresses_of(load(file=config, overrides={"data_dir": data_dir})).public
    if retract is not None:
        check_retraction(target, said)
        click.echo(json.dumps(retract_feedback(door, api_key, retract), indent=2))
        return
    if target is None:
        raise RequestError("say what it is about: backtalk feedback TARGET --up", code="bad_arguments")
    reply = send_feedback(door, api_key, feedback_body(target, **said))
    click.echo(json.dumps(reply, indent=2))
    if reply.get("target_status") == "pending":
        click.echo(unknown(target), err=True)


def unknown(target: str) -> str:
    """What to look at where nothing is known under a target."""
    return (
        f"nothing is known under {target!r} yet: the feedback is kept and waits. If it is not early, say a trace id, "
        "an x-request-id, a traceparent or the response's own id, word for word, with the API key of the call"
    )


class _Asked(NamedTuple):
    file: Path
    kind: str | None
    url: str | None
    api_key: str | None
    refused: Path
    dry_run: bool
    anew: bool
    wait_s: float


@feedback.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--format", "kind", help="csv, jsonl or parquet. [default: by the file's ending]")
@click.option("--key", metavar="COLUMN", help="Column with any key of the call; its form tells which.")
@click.option("--map", "columns", multiple=True, metavar="FIELD=COLUMN", help="Column that holds a field.")
@click.option("--set", "constants", multiple=True, metavar="FIELD=VALUE", help="The same field in every row.")
@click.option(
    "--outcome", "outcomes", multiple=True, metavar="[METRIC=]COLUMN", help="Column that is an outcome of its own."
)
@click.option("--refused", type=click.Path(path_type=Path, dir_okay=False), help="File for refused rows.")
@click.option("--dry-run", is_flag=True, help="Let the door check every row and keep nothing.")
@click.option("--anew", is_flag=True, help="Begin at the first row; what was sent before still counts once.")
@click.option("--wait", "wait_s", default=_WAIT_S, show_default=True, help="Seconds to wait for the ledger's report.")
@click.option("--api-key", envvar="OPENAI_API_KEY", help="The key the calls were made with.")
@click.option("--url", help="The public listener. [default: the one that runs on the data directory]")
@settings_options
@click.pass_context
def import_file(
    ctx: click.Context,
    /,
    config: Path | None,
    data_dir: Path | None,
    key: str | None,
    columns: Sequence[str],
    constants: Sequence[str],
    outcomes: Sequence[str],
    refused: Path | None,
    **asked: Any,
) -> None:
    """Send a file of feedback, such as late outcomes.

    Columns named like fields of a feedback (trace_id, metric, value, at, ...) are taken for them; a row without a kind
    is an outcome. A file sent again, whole or grown, counts once: each row has an id of its own words, or the column
    `id`. An import that was cut short goes on where it was. The status is 1 where rows were refused, or where all that
    was taken was rejected and nothing joined.
    """
    from backtalk.feedback_import.plan import Plan, check  # noqa: PLC0415 -- loaded when used

    settings = load(file=config, overrides={"data_dir": data_dir})
    plan = Plan(key, _pairs(columns), _pairs(constants), {name.partition("=")[0]: _column(name) for name in outcomes})
    check(plan)
    file: Path = asked["file"]
    given = _Asked(refused=refused or file.with_name(f"{file.name}.refused.jsonl"), **asked)
    ctx.exit(0 if _import(settings, plan, given) else 1)


def _import(settings: Settings, plan: "Plan", given: _Asked) -> bool:
    """Whether nothing was refused at the door, and not all that was taken is rejected by the calls."""
    from backtalk.commands.show_import import shown_progress, summary  # noqa: PLC0415
    from backtalk.feedback_import import progress, reading, run  # noqa: PLC0415 -- loaded when used
    from backtalk.feedback_import.door import Door  # noqa: PLC0415
    from backtalk.feedback_import.plan import check_columns  # noqa: PLC0415
    from backtalk.listeners import addresses_of  # noqa: PLC0415

    kind = reading.format_of(given.file, given.kind)
    columns = reading.columns(given.file, kind)
    if columns is not None:
        check_columns(plan, columns)
    url = given.url or addresses_of(settings).public
    name = progress.fingerprint(given.file, kind, plan, url, given.api_key or "")
    path = settings.data_dir / "imports" / f"{name}.progress"
    if given.anew:
        path.unlink(missing_ok=True)
    with ExitStack() as opened:
        written = None
        if not given.dry_run:
            written = opened.enter_context(progress.Progress(path, clock.now().wall_ns))
        refusals = run.Refusals(given.refused, anew=written is None or written.done_line == 0)
        opened.callback(refusals.close)
        door = Door(url, given.api_key, dryrun=given.dry_run)
        opened.callback(door.close)
        with shown_progress(given.file) as step:
            tally = run.run(reading.read(given.file, kind), plan, door, written, refusals, step)
        click.echo(summary(tally, refusals.path, dry_run=given.dry_run))
        is_good = written is None or _report(settings, given, written, tally)
    return is_good and not tally.refused


def _report(settings: Settings, given: _Asked, written: "Progress", tally: "Tally") -> bool:
    """Say what has joined, where the ledger is on this machine; False where nothing has and something is rejected."""
    from backtalk.commands.show_import import joins  # noqa: PLC0415
    from backtalk.feedback_import.joining import Ids, wait_for  # noqa: PLC0415 -- loaded when used

    root = settings.data_dir / "ledger"
    ids = Ids(written.ids())
    if not len(ids) or not root.exists():
        return True
    unjoined = given.file.with_name(f"{given.file.name}.unjoined.jsonl")
    since_ns = 0 if tally.duplicates else written.started_ns - clock.NS_PER_S
    found = wait_for(root, ids, since_ns, unjoined, wait_s=given.wait_s)
    click.echo(joins(found, len(ids), unjoined))
    return bool(found.counts["joined"] or not found.counts["rejected"])


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise RequestError(f"{text} must be NAME=VALUE", code="bad_arguments")
        found[name.strip()] = value.strip()
    return found


def _column(text: str) -> str:
    """`metric=column`, or a column that is called like its metric."""
    return text.partition("=")[2] or text
