"""Trains by a command of yours.

In: a job. Out: the folder that the command filled, and the figures in its `metrics.json`. The one rule: whatever
happens, also where we are killed, the command's whole group is gone behind it; its output is kept up to a bound.
"""

import os
import selectors
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field

from backtalk.plugin import Guarded, Trained, TrainingFailedError, TrainingJob, guarded, job_settings
from backtalk_trainers.folder import METRICS, claimed, figures, write

LOG: Final = "train.log"
_DONE: Final = "done.json"
_LAST_LINES: Final = 8
_LINE_CHARS: Final = 500
_PIECE_BYTES: Final = 4096
_PIPE_BYTES: Final = 1 << 20
"""So much may lie in the pipe when the command ends."""
_LOOK_S: Final = 0.1


class CommandSettings(BaseModel):
    """What is run."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    command: tuple[str, ...] = Field(min_length=1)
    """Program and arguments; {dataset}, {artefact} and {job} are replaced by the paths."""
    model: str | None = None
    """By which name the model is asked for; none: the artefact folder's name."""
    timeout_s: float = Field(default=86_400.0, gt=0)
    log_limit_bytes: int = Field(default=16 << 20, gt=0)
    settings: dict[str, Any] = {}
    """For the command: they stand in the job's file."""


class Command:
    """Runs a command."""

    name: ClassVar[str] = "command"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    job_settings_model = CommandSettings

    def train(self, job: TrainingJob, progress: Callable[[str], None]) -> Trained:
        """Run it to its end; a job that was done is taken as it is."""
        settings = job_settings(self.name, CommandSettings, job.settings)
        file = claimed(job)
        if (job.artefact / _DONE).exists():
            progress("trained before; taken as it is")
        else:
            _run(_argv(settings, job, file), settings, job.artefact / LOG, progress)
            write(job.artefact / _DONE, {"status": 0})
        model = settings.model or job.artefact.name
        config = {"command": list(settings.command), "settings": settings.settings}
        return Trained(str(job.artefact), None, model, figures(job.artefact / METRICS), config)


def _argv(settings: CommandSettings, job: TrainingJob, file: Path) -> list[str]:
    paths = {"dataset": job.dataset.resolve(), "artefact": job.artefact.resolve(), "job": file.resolve()}
    argv = list(settings.command)
    for name, path in paths.items():
        argv = [word.replace(f"{{{name}}}", str(path)) for word in argv]
    return ["env", *(f"BACKTALK_{name.upper()}={path}" for name, path in paths.items()), *argv]


def _run(argv: list[str], settings: CommandSettings, log: Path, progress: Callable[[str], None]) -> None:
    last: deque[str] = deque(maxlen=_LAST_LINES)
    with guarded(argv) as training:
        late = threading.Event()
        timer = threading.Timer(settings.timeout_s, _too_late, (training, late))
        timer.start()
        try:
            for line in _lines(training.process, log, settings.log_limit_bytes):
                last.append(line)
                progress(line)
            status = training.process.wait()
        finally:
            timer.cancel()
    if late.is_set():
        raise TrainingFailedError(f"the training was ended after {settings.timeout_s:g} s")
    if status:
        raise TrainingFailedError(f"the training ended with {status}: {' | '.join(last)}")


def _lines(process: "subprocess.Popen[bytes]", log: Path, limit_bytes: int) -> Iterator[str]:
    """The lines of the output, printable and short; the log has them as they came, up to its bound."""
    left, line = limit_bytes, b""
    with log.open("wb") as kept:
        for piece in _pieces(process):
            kept.write(piece[: max(left, 0)])
            left -= len(piece)
            *whole, line = (line + piece).replace(b"\r", b"\n").split(b"\n")
            yield from filter(None, map(_said, whole))
            line = line[-_PIECE_BYTES:]
    if said := _said(line):
        yield said


def _pieces(process: "subprocess.Popen[bytes]") -> Iterator[bytes]:
    """What the command writes, to its end: a process that it leaves behind may hold the pipe open for ever."""
    if process.stdout is None:
        return
    left = _PIPE_BYTES
    with selectors.DefaultSelector() as looked_at:
        looked_at.register(process.stdout, selectors.EVENT_READ)
        while left > 0:
            is_over = process.poll() is not None
            if looked_at.select(0 if is_over else _LOOK_S):
                if not (piece := os.read(process.stdout.fileno(), _PIECE_BYTES)):
                    return
                left -= len(piece) if is_over else 0
                yield piece
            elif is_over:
                return


def _said(line: bytes) -> str:
    text = line.decode("utf-8", "replace").strip()[-_LINE_CHARS:]
    return "".join(char if char.isprintable() else " " for char in text).strip()


def _too_late(training: Guarded, late: threading.Event) -> None:
    late.set()
    training.end()
