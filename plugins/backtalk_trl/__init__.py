"""Trains adapters (LoRA) with TRL: supervised, by preferences, by verdicts, a reward model, or by a reward.

In: a dataset's rows in TRL's format. Out: a folder with the adapter and what was measured. The one rule: torch is never
imported here; a program of ours does the training by an interpreter that has it, in a process group that ends with us,
also where we are killed.
"""

import json
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Final

from backtalk.plugin import Guarded, Trained, TrainingFailedError, TrainingJob, guarded, job_settings
from backtalk_trl.settings import FORMATS, TrlSettings

_STEP: Final = Path(__file__).with_name("step.py")
_GGUF: Final = Path(__file__).with_name("gguf_adapter.py")
_LAST_LINES: Final = 8
_LINE: Final = 500


class Trl:
    """Trains with TRL in an environment of its own."""

    name: ClassVar[str] = "trl"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    job_settings_model = TrlSettings

    def train(self, job: TrainingJob, progress: Callable[[str], None]) -> Trained:
        """Train one adapter; what an equal job has finished is taken as it is, what it has begun is gone on with."""
        settings = job_settings(self.name, TrlSettings, job.settings)
        rows = job.dataset / FORMATS[settings.method] / f"{settings.split}.jsonl"
        if not rows.is_file():
            raise TrainingFailedError(f"{settings.method} needs {rows}: build it with the format {rows.parent.name}")
        written = _written_job(job, settings, rows)
        measured = job.artefact / "metrics.json"
        if measured.exists():
            progress("trained before; taken as it is")
        else:
            _run([settings.python, str(_STEP), str(written)], settings.timeout_s, progress)
        adapter = job.artefact / "adapter"
        if settings.gguf and not (adapter / "adapter.gguf").exists():
            _run([settings.python, str(_GGUF), str(adapter), settings.model], settings.timeout_s, progress)
        return _trained(adapter, settings, json.loads(measured.read_text(encoding="utf-8")))


def _written_job(job: TrainingJob, settings: TrlSettings, rows: Path) -> Path:
    """The job as a file; another job's folder is refused."""
    job.artefact.mkdir(parents=True, exist_ok=True)
    path = job.artefact / "job.json"
    said = {**settings.model_dump(mode="json"), "rows": str(rows), "out": str(job.artefact), "dataset": job.dataset_id}
    text = json.dumps(said, indent=1)
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise TrainingFailedError(f"{job.artefact} holds another job: give each job a folder of its own")
    path.write_text(text, encoding="utf-8")
    return path


def _trained(adapter: Path, settings: TrlSettings, facts: dict[str, Any]) -> Trained:
    config = {
        **settings.model_dump(mode="json", exclude={"python", "timeout_s"}),
        "base_model": Path(settings.model).name,
        "dtype": facts["dtype"],
        "libraries": facts["libraries"],
    }
    served = settings.serves_as or adapter.parent.name
    return Trained(str(adapter), None, served, facts["metrics"], config)


def _run(command: list[str], timeout_s: float, progress: Callable[[str], None]) -> None:
    """Run a program of ours to its end; everything it started is gone behind this."""
    with guarded(command) as training:
        late = threading.Event()
        timer = threading.Timer(timeout_s, _too_late, (training, late))
        timer.start()
        try:
            last = _told(training, progress)
            status = training.process.wait()
        finally:
            timer.cancel()
    if late.is_set():
        raise TrainingFailedError(f"the training was ended after {timeout_s:g} s")
    if status:
        raise TrainingFailedError(f"the training ended with {status}: {' | '.join(last)}")


def _told(training: Guarded, progress: Callable[[str], None]) -> deque[str]:
    """Pass the lines of progress on; the last others are kept to say why it failed."""
    last: deque[str] = deque(maxlen=_LAST_LINES)
    for line in training.process.stdout or ():
        text = line.decode("utf-8", "replace").strip()[-_LINE:]
        said = "".join(char if char.isprintable() else " " for char in text)
        word, _, rest = said.partition(" ")
        if word == "progress" and rest:
            progress(rest)
        elif said:
            last.append(said)
    return last


def _too_late(training: Guarded, late: threading.Event) -> None:
    late.set()
    training.end()
