"""The end of the demo: what was learned becomes a dataset, and where to look next."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from rich.console import Console

from backtalk.demo.stage import Stage
from backtalk.settings import plain_environ
from backtalk.testing.serve import Backtalk
from backtalk.testing.waiting import wait_until

PAIRS: Final = 2
"""One of the correction, one of the edited answer."""
_COMMIT_S: Final = 20.0


def datasets(backtalk: Backtalk, stage: Stage) -> list[str]:
    """Build the pairs once the ledger has committed them; returns what is missing."""
    out = backtalk.data_dir.parent / "pairs.jsonl"
    command = ["dataset", "build", "dpo", "--out", str(out), "--data-dir", str(backtalk.data_dir)]
    stage.scene("What it becomes.", f"backtalk {' '.join(command[:5])}")
    try:
        said = wait_until(lambda: _built(command, out), _COMMIT_S, what="a dataset of pairs")
    except TimeoutError:
        stage.missed("a dataset of the correction and the edit", _COMMIT_S)
        return ["dataset"]
    stage.said(said)
    return []


def where_next(backtalk: Backtalk, stage: Stage, *, keep: bool) -> None:
    """Name the commands that go on from here."""
    port = backtalk.admin_url.rpartition(":")[2]
    if keep:
        stage.scene("Look around.", "It goes on running; in another terminal:")
        stage.said(f"BACKTALK_ADMIN_PORT={port} backtalk traces --data-dir {backtalk.data_dir}")
        stage.said(f"BACKTALK_ADMIN_PORT={port} backtalk traces --data-dir {backtalk.data_dir} show TRACE_ID")
        return
    stage.scene("Look around.", "The same with your own app and model:")
    stage.said("backtalk serve --upstream https://api.openai.com/v1    then base_url = http://127.0.0.1:8080/v1")
    stage.said("backtalk traces, backtalk feedback TRACE_ID --down, backtalk dataset build dpo --out pairs.jsonl")
    stage.said("make demo KEEP=1 leaves this demo running")


class TooSlowError(Exception):
    """The play takes longer than a person would wait."""


@contextlib.contextmanager
def at_most(seconds: float) -> Generator[None]:
    """End the block by `TooSlowError` when its time is up."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        del number, frame
        raise TooSlowError

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def keep_running(console: Console) -> None:
    """Wait for Ctrl-C."""
    console.print("Ctrl-C ends it.")
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()


def _built(command: list[str], out: Path) -> str | None:
    """Run the command; its sentence once the file holds the pairs."""
    done = subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, "-m", "backtalk", *command], env=plain_environ(), capture_output=True, text=True, check=False
    )
    with contextlib.suppress(OSError):
        if done.returncode == 0 and len(out.read_text(encoding="utf-8").splitlines()) >= PAIRS:
            return done.stdout.strip()
    return None
