"""The demo: a real model, an official client, and what Backtalk noticed of their conversation.

In: a person at a terminal. Out: the play, and an exit status: 0 when everything that was to be noticed was noticed.
"""

import importlib.util
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console

from backtalk.commands import show
from backtalk.demo.ending import TooSlowError, at_most, datasets, keep_running, where_next
from backtalk.demo.stage import Stage
from backtalk.demo.upstream import Upstream, running_upstream
from backtalk.errors import SetupError
from backtalk.testing.serve import Backtalk, running_backtalk

DIRECTORY: Final = Path(".demo")
LONGEST_S: Final = 110.0
"""The play ends within this time, whatever the machine."""


def run(*, keep: bool, model: str | None) -> int:
    """Perform the demo; `keep` leaves everything running until Ctrl-C."""
    if importlib.util.find_spec("openai") is None:
        raise SetupError("the demo talks through the official client: `pip install openai` first", code="no_client")
    console = Console(highlight=False)
    DIRECTORY.mkdir(exist_ok=True)
    data_dir = Path(tempfile.mkdtemp(prefix="data-", dir=DIRECTORY))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with running_upstream(model, DIRECTORY / "model", console) as upstream:
            console.print(f"Starting [bold]backtalk serve --upstream {upstream.url}[/bold]")
            with running_backtalk(upstream.url, data_dir) as backtalk:
                console.print(f"An app changes one line: base_url = [bold]{backtalk.url}/v1[/bold]")
                with at_most(LONGEST_S):
                    missed = _perform(backtalk, upstream, console, keep=keep)
                if keep:
                    keep_running(console)
                return 1 if missed else 0
    except TooSlowError:
        console.print(f"[bold red]The demo did not end within {LONGEST_S:.0f} s: this machine is too busy.[/bold red]")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


def _perform(backtalk: Backtalk, upstream: Upstream, console: Console, *, keep: bool) -> list[str]:
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
    return missed
