"""Trains by a fine-tuning job of a service that speaks OpenAI's API.

In: a dataset's lines in `openai_sft` or `openai_preference`. Out: the name of the tuned model. The one rule: nothing is
paid for twice, so each step is written down before the next, and a job that nobody wrote down is found by its mark.
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from backtalk.plugin import Trained, TrainingFailedError, TrainingJob, job_settings, key_variable
from backtalk_trainers.folder import claimed, write
from backtalk_trainers.service import AwayError, Service

STATE: Final = "service.json"
MARK: Final = "backtalk_job"
FORMATS: Final[Mapping[str, str]] = {"supervised": "openai_sft", "dpo": "openai_preference"}
_T = TypeVar("_T")
_LINE_CHARS: Final = 500
_MODEL: Final = re.compile(r"[A-Za-z0-9][\w.:/@+-]{0,255}", re.ASCII)
"""A model's name: it comes from the service, and goes into commands and requests."""


class OpenAiSettings(BaseModel):
    """Which job."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    model: str = Field(min_length=1)
    """The model to begin with."""
    method: Literal["supervised", "dpo"] = "supervised"
    base_url: str = Field(default="https://api.openai.com/v1", pattern=r"^https?://[^@?#\s]+$")
    """Backtalk's own, to have the calls in its ledger, or another service's."""
    api_key_env: str | None = "OPENAI_API_KEY"
    """The environment variable that holds the key; none where the service wants none."""
    split: str = "train"
    validation_split: str | None = None
    suffix: str | None = Field(default=None, max_length=64)
    seed: int | None = None
    hyperparameters: dict[str, Any] = {}
    poll_s: float = Field(default=15.0, gt=0)
    outage_s: float = Field(default=3600.0, gt=0)
    """So long may the service be away before the training fails; the job itself goes on."""
    request_timeout_s: float = Field(default=600.0, gt=0)


class OpenAi:
    """Has a service train."""

    name: ClassVar[str] = "openai"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    job_settings_model = OpenAiSettings

    def train(self, job: TrainingJob, progress: Callable[[str], None]) -> Trained:
        """Upload, start, wait; after a kill the same job is waited for, and an interrupt cancels it."""
        settings = job_settings(self.name, OpenAiSettings, job.settings)
        variable = settings.api_key_env
        key = None if variable is None else key_variable(variable, "api_key_env")
        claimed(job)
        service = Service(settings.base_url, key, settings.request_timeout_s)
        return _Training(service, settings, job, progress).finished()


class _Training:
    """One job, from its files to its model."""

    def __init__(
        self, service: Service, settings: OpenAiSettings, job: TrainingJob, progress: Callable[[str], None]
    ) -> None:
        self._service = service
        self._settings = settings
        self._job = job
        self._say = progress
        self._file = job.artefact / STATE
        self._state: dict[str, Any] = json.loads(self._file.read_bytes()) if self._file.exists() else {}
        self._never = threading.Event()
        said = json.dumps([job.dataset_id, str(job.artefact.resolve()), dict(job.settings)], sort_keys=True)
        self._mark = hashlib.sha256(said.encode()).hexdigest()[:32]

    def finished(self) -> Trained:
        """The tuned model."""
        job_id = self._started()
        try:
            done = self._waited(job_id)
        except KeyboardInterrupt:
            self._say(f"cancelling {job_id}")
            self._service.cancel(job_id)
            raise
        if done["status"] != "succeeded":
            error: Any = done.get("error")
            why = _line(error.get("message") if isinstance(error, dict) else error)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]  # JSON
            raise TrainingFailedError(f"the job {job_id} ended as {done['status']}: {why}")
        model = str(done.get("fine_tuned_model") or "")
        if not _MODEL.fullmatch(model):
            raise TrainingFailedError(f"the job {job_id} succeeded, and its model has no name: {_line(model)!r}")
        figures = dict(self._state.get("metrics") or {})
        if isinstance(done.get("trained_tokens"), int):
            figures["trained_tokens"] = float(done["trained_tokens"])
        config = {**self._settings.model_dump(mode="json", exclude={"api_key_env"}), "job_id": job_id}
        return Trained(model, None, model, figures, config)

    def _started(self) -> str:
        if "job_id" in self._state:
            self._say(f"going on with {self._state['job_id']}")
            return str(self._state["job_id"])
        training = self._uploaded("training_file", self._settings.split)
        validation = self._settings.validation_split
        files = {"training_file": training}
        if validation is not None:
            files["validation_file"] = self._uploaded("validation_file", validation)
        found = self._tried(self._found) if "creating" in self._state else None
        self._keep(creating=True)
        started = found or self._tried(lambda: self._created(files))
        self._keep(job_id=started["id"])
        self._say(f"job {started['id']}: {started['status']}")
        return str(started["id"])

    def _created(self, files: Mapping[str, str]) -> dict[str, Any]:
        """A new job; where no answer came, the one that may have been made all the same."""
        settings = self._settings
        method: dict[str, Any] = {"type": settings.method}
        if settings.hyperparameters:
            method[settings.method] = {"hyperparameters": settings.hyperparameters}
        named = {"suffix": settings.suffix, "seed": settings.seed}
        document = {"model": settings.model, **files, "method": method, "metadata": {MARK: self._mark}}
        try:
            return self._service.create(document | {name: value for name, value in named.items() if value is not None})
        except AwayError:
            if (found := self._found()) is not None:
                return found
            raise

    def _found(self) -> dict[str, Any] | None:
        marked = {MARK: self._mark}
        return next((one for one in self._service.jobs() if one.get("metadata") == marked), None)

    def _uploaded(self, what: str, split: str) -> str:
        if what not in self._state:
            lines = self._job.dataset / FORMATS[self._settings.method] / f"{split}.jsonl"
            if not lines.is_file():
                wanted = FORMATS[self._settings.method]
                raise TrainingFailedError(f"{self._settings.method} needs {lines}: build it with the format {wanted}")
            name = f"{self._job.dataset_id}-{split}.jsonl"
            self._keep(**{what: self._tried(lambda: self._service.upload(lines, name))})
            self._say(f"uploaded {name} as {self._state[what]}")
        return str(self._state[what])

    def _waited(self, job_id: str) -> dict[str, Any]:
        told: set[str] = set()
        while True:
            for event in self._tried(lambda: self._service.events(job_id)):
                if event["id"] not in told:
                    told.add(event["id"])
                    self._tell(event)
            found = self._tried(lambda: self._service.job(job_id))
            if found["status"] in ("succeeded", "failed", "cancelled"):
                return found
            self._never.wait(self._settings.poll_s)

    def _tell(self, event: Mapping[str, Any]) -> None:
        if text := _line(event.get("message")):
            self._say(text)
        data = event.get("data")
        if event.get("type") == "metrics" and isinstance(data, dict):
            numbers: dict[str, Any] = {name: value for name, value in data.items() if isinstance(value, int | float)}  # pyright: ignore[reportUnknownVariableType]  # JSON
            self._keep(metrics=numbers)

    def _tried(self, ask: Callable[[], _T]) -> _T:
        """The answer, with growing pauses while the service is away."""
        waited_s, pause_s = 0.0, min(1.0, self._settings.poll_s)
        while True:
            try:
                return ask()
            except AwayError as error:
                if waited_s >= self._settings.outage_s:
                    raise TrainingFailedError(f"the service is away: {error}; say the same job again") from error
                self._say(f"the service is away: {error}"[:_LINE_CHARS])
                self._never.wait(pause_s)
                waited_s, pause_s = waited_s + pause_s, min(pause_s * 2, 60.0)

    def _keep(self, **fields: Any) -> None:
        self._state |= fields
        write(self._file, self._state)


def _line(said: object) -> str:
    """What the service says, on one printable line."""
    text = "".join(char if char.isprintable() else " " for char in str(said or ""))
    return text.strip()[:_LINE_CHARS]
