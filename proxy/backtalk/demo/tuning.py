"""The demo's second play: a desk's corrections become a better model, and every step can be walked back.

In: a person at a terminal, a real model, an environment that trains. Out: the play, and an exit status: 0 where the
trained model was better beyond chance and was proposed. The one rule: whatever a reader could not do with an app and
the command line is not done here.
"""

import json
import os
import shutil
import signal
import string
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from backtalk.demo import model_server
from backtalk.demo.desk import Desk, Worked
from backtalk.demo.mail import AGENTS, SYSTEM, all_mail
from backtalk.demo.stage import Stage
from backtalk.demo.upstream import INTERPRETER, REAL, Upstream, running_upstream
from backtalk.errors import SetupError
from backtalk.installation import SECRET
from backtalk.settings import plain_environ
from backtalk.testing.serve import Backtalk, running_backtalk
from backtalk.testing.sockets import free_port
from backtalk.testing.waiting import wait_until

TRAINER: Final = Path(".venvs/trl/bin/python")
TUNED: Final = "desk-tuned"
_FOLDER: Final = Path(".demo/training")
_MODEL: Final = Path(".demo/model")
_COMMIT_S: Final = 60.0
_THE_SAME_SECRET: Final = "00" * 32
"""So that the same agents are held out in every performance."""
_ROUTES: Final = """
[targets.tuned]
url = "http://127.0.0.1:{port}/v1"

[routes.{tuned}]
targets = ["tuned"]
"""


def run() -> int:
    """Perform it; what came of it stays in `.demo/training`."""
    console = Console(highlight=False)
    for needed, target in ((TRAINER, "trl"), (INTERPRETER, "model")):
        if not needed.exists():
            raise SetupError(f"{needed} is missing: run `make .venvs/{target}/.ready`", code="no_environment")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    shutil.rmtree(_FOLDER, ignore_errors=True)
    data_dir = _FOLDER / "data"
    data_dir.mkdir(mode=0o700, parents=True)
    (data_dir / SECRET).write_text(_THE_SAME_SECRET, encoding="ascii")
    port = free_port()
    config = _FOLDER / "backtalk.toml"
    config.write_text(_ROUTES.format(port=port, tuned=TUNED), encoding="utf-8")
    with (
        running_upstream(REAL, _MODEL, console) as upstream,
        running_backtalk(upstream.url, data_dir, environ={"BACKTALK_CONFIG": str(config)}) as backtalk,
    ):
        return _perform(backtalk, upstream, Stage(console), port)


def _perform(backtalk: Backtalk, upstream: Upstream, stage: Stage, port: int) -> int:
    stage.scene("A desk.", f"{AGENTS} agents ask {upstream.model} for the ticket line of each piece of mail.")
    stage.user(SYSTEM)
    file = _pipeline(backtalk, upstream, port, _work(backtalk, upstream, stage))
    return _loop(backtalk, stage, file)


def _loop(backtalk: Backtalk, stage: Stage, file: Path) -> int:
    """Run the pipeline once its gate sees all that was said; 0 where it proposed a better model."""
    wait_until(lambda: _said(backtalk, "pipeline", "check", str(file)) is not None, _COMMIT_S, what="the gate")
    stage.scene("The loop.", f"backtalk pipeline run {file.name}")
    if _shown(backtalk, "pipeline", "run", str(file)):
        return 1
    return _shown_to_its_end(backtalk, stage)


def _shown_to_its_end(backtalk: Backtalk, stage: Stage) -> int:
    """Show what came of it, and walk from a row back to who gave it."""
    stage.scene("What came of it.", "backtalk pipeline show desk")
    _shown(backtalk, "pipeline", "show", "desk")
    steps = json.loads(_said(backtalk, "pipeline", "show", "desk", "--json") or "{}")["steps"]
    dataset = steps["dataset"]["dataset_id"]
    stage.scene("Whose thumb was it?", f"backtalk run why {dataset} 0")
    _shown(backtalk, "run", "why", dataset, "0")
    return 0 if "propose" in steps else 1


def _work(backtalk: Backtalk, upstream: Upstream, stage: Stage) -> int:
    """Let the agents work; gives how many times they said something."""
    mail = all_mail()
    desk = Desk(f"{backtalk.url}/v1", upstream.model)
    bar = Progress(TextColumn("{task.description}"), BarColumn(), console=stage.console, transient=True)
    with bar:
        task = bar.add_task("Mail", total=len(mail))

        def tell(worked: Worked) -> None:
            words = f"{worked.right} right, {worked.thumbs_down} thumbs down, {worked.corrections} corrections"
            bar.update(task, advance=1, description=words)

        desk.work(mail, tell)
    done = desk.worked
    stage.said(f"{len(mail)} pieces of mail, {done.right} ticket lines right at once")
    stage.said(f"{done.thumbs_up} thumbs up, {done.thumbs_down} thumbs down, {done.regenerated} asked again")
    stage.said(f"{done.corrections} corrected: the line as it should have been")
    return done.thumbs_up + done.thumbs_down + done.corrections


def _pipeline(backtalk: Backtalk, upstream: Upstream, port: int, facts: int) -> Path:
    """The desk's pipeline and its recipe, as files in the working folder."""
    known = {
        "facts": facts,
        "trl_python": TRAINER.absolute(),
        "model_python": INTERPRETER.absolute(),
        "weights": (_MODEL / model_server.FILE).absolute(),
        "server": model_server.__file__,
        "folder": _MODEL.absolute(),
        "threads": max(1, (os.cpu_count() or 1) // 2),
        "tuned": TUNED,
        "port": port,
        "base_url": f"{backtalk.url}/v1",
        "current": upstream.model,
    }
    for name in ("desk.toml", "desk-rows.toml"):
        text = files("backtalk.demo").joinpath(name).read_text(encoding="utf-8")
        (_FOLDER / name).write_text(string.Template(text).substitute(known), encoding="utf-8")
    return _FOLDER / "desk.toml"


def _command(backtalk: Backtalk, words: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "backtalk", *words, "--data-dir", str(backtalk.data_dir)]


def _shown(backtalk: Backtalk, *words: str) -> int:
    """Run a command, its words on the terminal as they come; gives its status."""
    return subprocess.run(_command(backtalk, words), env=plain_environ(), check=False).returncode  # noqa: S603 -- ours


def _said(backtalk: Backtalk, *words: str) -> str | None:
    """What a command says; None where its status is not 0."""
    command = _command(backtalk, words)
    done = subprocess.run(command, env=plain_environ(), capture_output=True, text=True, check=False)  # noqa: S603 -- ours
    return done.stdout if done.returncode == 0 else None
