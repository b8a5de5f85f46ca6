"""The common part of exporters that write into a backend's own annotations: what to send, and what a no means.

In: facts. Out: calls of `put` and `remove`, in order, each until it succeeds. A verdict whose call the backend does not
know yet comes again for `wait_s`, counted from when it was said or from when the backend was last away; after that, and
where the backend refuses it, it is dropped and counted. `put` and `remove` must be harmless when repeated.
"""

import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol

from backtalk import clock
from backtalk.model.facts import Fact
from backtalk.plugin.receiver import NotThereError, RefusedError
from backtalk.plugin.verdict_book import Step, VerdictBook
from backtalk.plugin.verdicts import Verdict
from backtalk.telemetry import Metrics

_log = logging.getLogger(__name__)


class ExporterHost(Protocol):
    """What an exporter is told by its host."""

    @property
    def metrics(self) -> Metrics:
        """Where it counts."""
        ...

    @property
    def texts(self) -> bool:
        """Whether what people wrote may go out."""
        ...


class VerdictExporter(ABC):
    """A base for plugins; one names itself and says how a verdict is put and removed."""

    name: ClassVar[str]
    api: ClassVar[int] = 1
    version: ClassVar[str]

    def __init__(self, wait_s: float) -> None:
        self._wait_ns = int(wait_s * clock.NS_PER_S)
        self._book = VerdictBook(self._drop, wait_s=wait_s)
        self._metrics = Metrics(self.name)
        self._content = False
        self._reachable_since_ns = clock.now().wall_ns
        self._batch: Sequence[Fact] = ()
        self._steps: list[Step] = []

    @abstractmethod
    def put(self, verdict: Verdict) -> None:
        """Let a verdict stand in the backend; raises `NotThereError` where it does not know the call."""

    @abstractmethod
    def remove(self, verdict: Verdict) -> None:
        """Let it stand no longer; one that is not there is removed already."""

    def attach(self, host: ExporterHost) -> None:
        """Take the host's registry, and whether texts may go out."""
        self._metrics = host.metrics
        self._content = host.texts

    def recall(self, facts: Sequence[Fact]) -> None:
        """Know what was delivered in a life before; nothing is sent."""
        for fact in facts:
            for _ in self._book.steps(fact, content=self._content):
                pass

    def export(self, facts: Sequence[Fact]) -> None:
        """Deliver a batch; raises where some of it is to come again, and then only that is sent."""
        if facts is not self._batch:
            self._steps = [step for fact in facts for step in self._book.steps(fact, content=self._content)]
            self._batch = facts
        waiting: list[Step] = []
        while self._steps:
            step = self._steps[0]
            if step.action == "remove":
                waiting = [early for early in waiting if early.verdict.key != step.verdict.key]
            try:
                self._take(step)
            except NotThereError:
                if self._has_waited(step.verdict):
                    self._drop("no_call")
                else:
                    waiting.append(step)
            except RefusedError as error:
                self._refused(step, error)
            except Exception:
                self._reachable_since_ns = clock.now().wall_ns
                self._steps = waiting + self._steps
                raise
            del self._steps[0]
        self._steps = waiting
        if waiting:
            raise NotThereError(f"{len(waiting)} verdicts are about calls that {self.name} does not know yet")

    def close(self) -> None:
        """Let go of what is left of the last batch."""
        self._steps = []

    def _take(self, step: Step) -> None:
        if step.action == "put":
            self.put(step.verdict)
            return
        with contextlib.suppress(NotThereError):
            self.remove(step.verdict)

    def _has_waited(self, verdict: Verdict) -> bool:
        since_ns = max(verdict.time_ns, self._reachable_since_ns)
        return clock.now().wall_ns - since_ns > self._wait_ns

    def _refused(self, step: Step, error: RefusedError) -> None:
        self._drop("refused")
        _log.warning(
            "a backend refused what was said of a call; it is dropped",
            extra={"exporter": self.name, "verdict": step.verdict.key, "reason": str(error)},
        )

    def _drop(self, reason: str) -> None:
        self._metrics.add("backtalk.export.dropped", exporter=self.name, reason=reason)
