"""The model behind the demo: a real one where its packages are installed, else the scripted provider, which is said.

In: what the person asked for. Out: `Upstream`, a running OpenAI-compatible server that ends with the block.
"""

import contextlib
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from backtalk.demo import model_server
from backtalk.errors import SetupError
from backtalk.testing.behaviour import Behaviour
from backtalk.testing.provider import Provider, running_provider

SCRIPTED: Final = "scripted"
REAL: Final = "qwen2.5-coder-0.5b-instruct"
INTERPRETER: Final = Path(".venvs/model/bin/python")
_CHUNK_DELAY_S: Final = 0.04
_STOP_S: Final = 5.0


class Upstream(NamedTuple):
    """A running model. `prompt` puts the next answer into a scripted one's mouth; a real one ignores it."""

    url: str
    model: str
    prompt: Callable[[str], None]


@contextlib.contextmanager
def running_upstream(asked: str | None, kept: Path, console: Console) -> Generator[Upstream]:
    """Run what was asked for: `scripted`, the real model, or (None) the real one where it can be had."""
    if asked not in (None, "", SCRIPTED, REAL):
        raise SetupError(f"unknown model {asked}; known are {SCRIPTED} and {REAL}", code="unknown_model")
    with contextlib.ExitStack() as stack:
        real = None if asked == SCRIPTED else _try_real(kept, console, stack)
        if real is None and asked == REAL:
            raise SetupError("the model's packages are missing: run `make .venvs/model/.ready`", code="no_model")
        yield real or stack.enter_context(_scripted(console))


@contextlib.contextmanager
def _scripted(console: Console) -> Generator[Upstream]:
    console.print(
        "Upstream: the [bold]scripted provider[/bold]. No language model runs; its answers are written beforehand.",
        soft_wrap=True,
    )
    with running_provider(Behaviour(chunk_delay_s=_CHUNK_DELAY_S)) as provider:
        yield Upstream(provider.url, SCRIPTED, _prompter(provider))


def _prompter(provider: Provider) -> Callable[[str], None]:
    return lambda text: provider.script(Behaviour(text=text, chunk_delay_s=_CHUNK_DELAY_S))


def _try_real(kept: Path, console: Console, stack: contextlib.ExitStack) -> Upstream | None:
    if not INTERPRETER.exists():
        console.print(f"No language model is installed ({INTERPRETER} is missing; `make demo` installs it).")
        return None
    kept.mkdir(parents=True, exist_ok=True)
    log = stack.enter_context((kept / "model.log").open("w"))
    process = stack.enter_context(_process(kept, log.fileno()))
    url = _announced(process, console)
    if url is None:
        console.print(f"The language model did not start; {log.name} says why.")
        return None
    console.print(f"Upstream: [bold]{REAL}[/bold], a real language model on this machine (llama.cpp).")
    return Upstream(url, REAL, _says_what_it_will)


def _says_what_it_will(text: str) -> None:
    del text


@contextlib.contextmanager
def _process(kept: Path, log: int) -> Generator["subprocess.Popen[str]"]:
    command = [str(INTERPRETER), model_server.__file__, str(kept)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, text=True) as process:  # noqa: S603 -- our own
        try:
            yield process
        finally:
            process.kill()
            process.wait(_STOP_S)


def _announced(process: "subprocess.Popen[str]", console: Console) -> str | None:
    """Show the progress that the server reports; its URL once it is ready, None if it ends before."""
    bar = Progress(TextColumn("{task.description}"), BarColumn(), console=console, transient=True)
    with bar:
        task = bar.add_task("Checking and loading the model", total=1.0)
        for line in process.stdout or ():
            word, _, rest = line.strip().partition(" ")
            if word == "progress":
                bar.update(task, completed=float(rest))
            elif word == "ready":
                return rest
    return None
