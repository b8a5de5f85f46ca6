"""The demo: a real model, an official client, and what Backtalk noticed of their conversation.

In: a person at a terminal. Out: the play, and an exit status: 0 when everything that was to be noticed was noticed.
"""

import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console

from backtalk import show
from backtalk.demo.ending import datasets, keep_running, where_next
from backtalk.demo.stage import Stage
from backtalk.demo.upstream import Upstream, running_upstream
from backtalk.errors import SetupError
from backtalk.testing.serve import Backtalk, running_backtalk

DIRECTORY: Final = Path(".demo")


def run(*, keep: bool, model: str | None) -> int:
    """Perform the demo; `keep` leaves everything running until Ctrl-C."""
    if importlib.util.find_spec("openai") is None:
        raise SetupError("the demo talks through the official client: `pip install openai` first", code="no_client")
    console = Console(highlight=False)
    DIRECTORY.mkdir(exist_ok=True)
    data_dir = Path(tempfile.mkdtemp(prefix="data-", dir=DIRECTORY))
    try:
        with running_upstream(model, DIRECTORY / "model", console) as upstream:
            console.print(f"Starting [bold]backtalk serve --upstream {upstream.url}[/bold]")
            with running_backtalk(upstream.url, data_dir) as backtalk:
                console.print(f"An app changes one line: base_url = [bold]{backtalk.url}/v1[/bold]")
                return _perform(backtalk, upstream, console, keep=keep)
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


def _perform(backtalk: Backtalk, upstream: Upstream, console: Console, *, keep: bool) -> int:
    from backtalk.demo.story import Story  # noqa: PLC0415 -- it needs the openai package, which `run` has asked for

    stage = Stage(console)
    story = Story(backtalk, upstream, stage)
    first = story.play()
    stage.scene("What is kept.", f"GET /v1/traces/{first.trace_id}")
    show.trace(backtalk.trace(first.trace_id) or {}, console)
    missed = [*story.missed, *datasets(backtalk, stage)]
    where_next(backtalk, stage, keep=keep)
    if missed:
        console.print(f"[bold red]Not noticed: {', '.join(missed)}[/bold red]")
    if keep and sys.stdin is not None:
        keep_running(console)
    return 1 if missed else 0
