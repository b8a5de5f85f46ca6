"""The `backtalk` command.

Arguments come in, exit statuses go out: 0 done, 1 the thing asked for failed, 2 the call was wrong. Each command
imports what it needs when it runs, so that `backtalk serve` has its processes running before anything heavy is loaded.
"""

import json
import sys
from pathlib import Path
from typing import Any

import click

from backtalk import __version__
from backtalk.commands import (
    audit,
    console,
    conversion,
    datasets,
    erase,
    evaluate,
    exports,
    feedback,
    keys,
    lineage,
    pipeline,
    refs,
    review,
    runs,
    signals,
)
from backtalk.commands.options import settings_options
from backtalk.errors import BacktalkError
from backtalk.settings import Settings, load


class _Commands(click.Group):
    """Shows commands in the order in which a newcomer needs them, and our own errors as one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BacktalkError as error:
            click.echo(f"backtalk: {error.message}", err=True)
            ctx.exit(2 if error.kind in ("setup_error", "invalid_request_error") else 1)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Every option is also a setting and a BACKTALK_* variable: `backtalk doctor` shows those in force.",
)
def main() -> None:
    """Backtalk: an OpenAI-compatible proxy that closes the feedback loop.

    Point your app's base_url at it and change nothing else. Every answer gets a trace id; regenerations,
    reformulations, edits and stops are noticed; feedback lands on the exact answer it is about.

    \b
    Start here:
      backtalk serve --upstream https://api.openai.com/v1
      backtalk traces
    """  # noqa: D301 -- the backspace is click's mark for lines that are not to be filled


@main.command()
@click.option("--upstream", metavar="URL", help="Base URL of the model API, as a client would set it.")
@click.option("--host", help="Address of the public listener. [default: 127.0.0.1]")
@click.option("--port", type=int, help="Port of the public listener. [default: 8080]")
@click.option("--admin-port", type=int, help="Port of the admin listener. [default: 8081]")
@click.option("--workers", type=int, metavar="N", help="Proxy processes. [default: 1]")
@settings_options
def serve(config: Path | None, **overrides: Any) -> None:
    """Relay calls, notice signals, take feedback."""
    from backtalk import supervisor  # noqa: PLC0415 -- loaded when used

    sys.exit(supervisor.serve(load(file=config, overrides=overrides)))


@main.command()
@settings_options
def worker(config: Path | None, data_dir: Path | None) -> None:
    """Run a worker beside proxies of their own."""
    from backtalk.worker import run_worker  # noqa: PLC0415 -- loaded when used

    run_worker(load(file=config, overrides={"data_dir": data_dir}))


@main.command()
@click.option("--keep", is_flag=True, help="Leave everything running at the end.")
@click.option("--model", default=None, envvar="DEMO_MODEL", help="`scripted`, or a model of the demo's own list.")
@click.option("--train", is_flag=True, help="Watch a desk's corrections become a better model (minutes).")
def demo(keep: bool, model: str | None, train: bool) -> None:
    """Watch the main job happen on a real model."""
    from backtalk import demo as show  # noqa: PLC0415 -- loaded when used

    if train:
        from backtalk.demo import tuning  # noqa: PLC0415 -- needs more than the rest

        sys.exit(tuning.run())
    sys.exit(show.run(keep=keep, model=model))


@main.group(invoke_without_command=True)
@click.option("--limit", default=20, show_default=True, help="How many calls to list.")
@click.option("--session", "session_id", help="Only calls of this session.")
@click.option("--signal", help="Only calls with this signal about them.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@settings_options
@click.pass_context
def traces(ctx: click.Context, /, config: Path | None, data_dir: Path | None, **asked: Any) -> None:
    """List the latest calls, or show one.

    `backtalk traces show ID` shows a trace with its session, its signals and its feedback.
    """
    ctx.obj = load(file=config, overrides={"data_dir": data_dir})
    if ctx.invoked_subcommand is None:
        _list_traces(ctx.obj, **asked)


@traces.command("list")
@click.pass_context
def traces_list(ctx: click.Context) -> None:
    """List the latest calls (the same as `backtalk traces`)."""
    assert ctx.parent is not None  # noqa: S101 -- click sets it for a subcommand
    asked = {name: ctx.parent.params[name] for name in ("limit", "session_id", "signal", "as_json")}
    _list_traces(ctx.obj, **asked)


@traces.command("show")
@click.argument("trace_id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@settings_options
@click.pass_context
def traces_show(ctx: click.Context, config: Path | None, data_dir: Path | None, trace_id: str, as_json: bool) -> None:
    """Show one trace: its calls, their session, what was noticed and said."""
    from backtalk.admin_client import AdminClient  # noqa: PLC0415
    from backtalk.commands import show  # noqa: PLC0415 -- loaded when used

    assert ctx.parent is not None  # noqa: S101 -- click sets it for a subcommand
    before = ctx.parent.params
    settings = load(file=config or before["config"], overrides={"data_dir": data_dir or before["data_dir"]})
    as_json = as_json or before["as_json"]
    document = AdminClient.from_settings(settings).get(f"/v1/traces/{trace_id[:32]}")
    click.echo(json.dumps(document, indent=2)) if as_json else show.trace(document)


def _list_traces(settings: Settings, *, limit: int, session_id: str | None, signal: str | None, as_json: bool) -> None:
    from backtalk.admin_client import AdminClient  # noqa: PLC0415
    from backtalk.commands import show  # noqa: PLC0415 -- loaded when used

    asked = {"limit": limit, "session_id": session_id, "signal": signal}
    document = AdminClient.from_settings(settings).get("/v1/traces", **asked)
    click.echo(json.dumps(document, indent=2)) if as_json else show.traces(document)


main.add_command(feedback.feedback)


@main.command()
@click.option("--upstream", metavar="URL", help="Base URL of the model API, as `serve` is given it.")
@settings_options
def doctor(config: Path | None, **overrides: Any) -> None:
    """Check everything around; say what to do.

    Settings, upstream, Redis, disk, ports and collector.
    """
    from backtalk.doctor import examine  # noqa: PLC0415 -- loaded when used

    findings = examine(load(file=config, overrides=overrides))
    for finding in findings:
        mark = {"ok": click.style("ok  ", fg="green"), "warn": click.style("warn", fg="yellow")}
        click.echo(f"{mark.get(finding.level, click.style('FAIL', fg='red'))}  {finding.subject}: {finding.sentence}")
        if finding.advice:
            click.echo(f"      -> {finding.advice}")
    sys.exit(any(finding.level == "fail" for finding in findings))


main.add_command(audit.audit)
main.add_command(console.console)
main.add_command(keys.keys)
main.add_command(review.review)
main.add_command(erase.erase)


for told in (
    lineage.dataset_list,
    lineage.dataset_show,
    lineage.dataset_register,
    lineage.dataset_retire,
    runs.dataset_diff,
):
    datasets.dataset.add_command(told)
main.add_command(datasets.dataset)
main.add_command(runs.runs)
main.add_command(refs.ref)
main.add_command(evaluate.evaluate)
main.add_command(pipeline.pipeline)
main.add_command(conversion.conversion)
lineage.lineage.add_command(exports.export_command)
main.add_command(lineage.lineage)
main.add_command(signals.signals)
main.add_command(signals.replay)


@main.command()
def version() -> None:
    """Print the version."""
    click.echo(f"backtalk {__version__}")


@main.command("_child", hidden=True)
@click.argument("kind", type=click.Choice(["proxy", "worker", "admin"]))
@click.argument("fds", nargs=-1, type=int)
def child(kind: str, fds: tuple[int, ...]) -> None:
    """Be one of the processes that `serve` started."""
    from backtalk import children  # noqa: PLC0415 -- loaded when used

    children.run_child(kind, fds)
