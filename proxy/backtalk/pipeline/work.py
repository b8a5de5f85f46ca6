"""What every step of a run gets, and how a step says that the run is over.

In: values. Out: the same, by name. The one rule: a step reads only what earlier steps wrote down, so that it does the
same in the process that began the run and in any later one.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from backtalk.lineage.catalogue import Catalogue
from backtalk.lineage.log import LineageLog
from backtalk.model.meter import Meter
from backtalk.pipeline.definition import Pipeline
from backtalk.pipeline.events import Outcome
from backtalk.pipeline.measuring import Measure

Say = Callable[[str], None]
"""Told, line by line, what goes on."""


class StopError(Exception):
    """The run is over, and not by a failure: there is nothing left to do."""

    def __init__(self, outcome: Outcome, message: str, outputs: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.outcome: Outcome = outcome
        self.message = message
        self.outputs = outputs


class Work(NamedTuple):
    """One run, as a step sees it."""

    data_dir: Path
    pipeline: Pipeline
    run: Path
    """The run's folder."""
    actor: str
    plugins: Mapping[str, Mapping[str, Any]]
    """The sections [plugin.<name>] of the settings."""
    metrics: Meter
    measure: Measure
    outputs: Mapping[str, Mapping[str, Any]]
    """What each earlier step gave."""
    say: Say

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.run.name

    @property
    def name(self) -> str:
        """By which lineage knows what the run makes."""
        return f"{self.pipeline.name}/{self.run_id}"

    @property
    def catalogue(self) -> Catalogue:
        """What lineage says now."""
        return Catalogue(LineageLog(self.data_dir).records())
