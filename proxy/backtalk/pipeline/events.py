"""What happens in a run of a pipeline, line by line, and what all lines together say.

In: events in their order. Out: the state of a run, a value. The one rule: nothing is changed afterwards; a step is done
when its end was written down, and what it gave stands there.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

Outcome = Literal["proposed", "no_proposal", "not_valid", "abandoned"]
"""`not_valid`: the built dataset is not what the pipeline asks for. `abandoned`: somebody gave it up."""


class Began(msgspec.Struct, frozen=True, tag="began"):
    """A run exists."""

    at_ns: int
    run_id: str
    pipeline: str
    text: str
    """The pipeline as it was written; a run follows this to its end."""
    sha256: str
    code_version: str
    actor: str
    why: str
    """Which gates were open, or who asked."""
    folder: str = ""
    """Where the pipeline's file stood."""
    new_facts: int = 0
    newest_fact_ns: int = 0
    """The newest fact that was counted: the next run counts those behind it."""
    triggers: tuple[str, ...] = ()
    """What asked for it, from outside."""


class StepStarted(msgspec.Struct, frozen=True, tag="started"):
    """A step began, for the `attempt`-th time."""

    at_ns: int
    step: str
    attempt: int


class StepFinished(msgspec.Struct, frozen=True, tag="finished"):
    """A step is done and never begins again; `outputs` is what the later steps need of it."""

    at_ns: int
    step: str
    outputs: Mapping[str, Any] = {}


class StepFailed(msgspec.Struct, frozen=True, tag="failed"):
    """A step came to nothing; the next time the run goes on with it."""

    at_ns: int
    step: str
    code: str
    message: str


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """The run is over."""

    at_ns: int
    outcome: Outcome
    message: str


class Pruned(msgspec.Struct, frozen=True, tag="pruned"):
    """The run's large files are gone, so that later runs have room."""

    at_ns: int
    freed_bytes: int


Event = Began | StepStarted | StepFinished | StepFailed | Ended | Pruned


class RunState(NamedTuple):
    """A run as its events tell it."""

    began: Began
    finished: Mapping[str, Mapping[str, Any]]
    """What each step that is done gave."""
    attempts: Mapping[str, int]
    open_step: str | None
    """The step that began and did not end."""
    failed: StepFailed | None
    """How the last attempt failed, until the next begins."""
    ended: Ended | None
    pruned: bool
    last_ns: int

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.began.run_id

    @property
    def is_abandoned(self) -> bool:
        """Whether it was given up: what it counted was used for nothing."""
        return self.ended is not None and self.ended.outcome == "abandoned"

    def state(self, *, at_work: bool) -> str:
        """`running`, `interrupted`, `failed`, or how it ended."""
        if self.ended is not None:
            return self.ended.outcome
        if at_work:
            return "running"
        return "interrupted" if self.failed is None else "failed"

    def document(self, *, at_work: bool) -> dict[str, Any]:
        """The run as JSON; of what steps gave only what is small."""
        message = self.ended or self.failed
        return {
            "run_id": self.run_id,
            "pipeline": self.began.pipeline,
            "state": self.state(at_work=at_work),
            "message": "" if message is None else message.message,
            "began_ns": self.began.at_ns,
            "last_ns": self.last_ns,
            "actor": self.began.actor,
            "why": self.began.why,
            "new_facts": self.began.new_facts,
            "triggers": list(self.began.triggers),
            "step": self.open_step or (None if self.failed is None else self.failed.step),
            "steps": {name: dict(outputs) for name, outputs in self.finished.items()},
            "attempts": dict(self.attempts),
            "pruned": self.pruned,
        }


def told(events: Iterable[Event]) -> RunState | None:
    """The state of a run; None where it has not begun."""
    began: Began | None = None
    finished: dict[str, Mapping[str, Any]] = {}
    attempts: dict[str, int] = {}
    failed: StepFailed | None = None
    ended: Ended | None = None
    step: str | None = None
    pruned, last_ns = False, 0
    for event in events:
        last_ns = event.at_ns
        match event:
            case Began():
                began = event
            case StepStarted():
                step, failed, attempts[event.step] = event.step, None, event.attempt
            case StepFinished():
                step, finished[event.step] = None, event.outputs
            case StepFailed():
                step, failed = None, event
            case Ended():
                ended = event
            case Pruned():
                pruned = True
    return None if began is None else RunState(began, finished, attempts, step, failed, ended, pruned, last_ns)
