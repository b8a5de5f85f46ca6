"""Tells MLflow what was built, run and named; off until `[lineage] exporters` names it.

In: records of lineage. Out: finished runs with their datasets, and tags. The one rule: a run is looked up by its
record's hash before it is made, and everything that is logged may be logged again, so a repeat or a kill on the way
leaves one whole run.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, ClassVar, Final, TypeVar

from backtalk.plugin import (
    LineageEvent,
    LineageName,
    LineageProposal,
    LineageRetirement,
    NotThereError,
    Receiver,
    RefusedError,
)
from backtalk_mlflow.entities import DATASET, RECORD, RUN, Run, proposal_tags, ref_tag, retirement_tags, run_of
from backtalk_mlflow.settings import MlflowSettings, receiver

_AT_ONCE: Final = 100
"""Most params, and most tags, that MLflow takes in one request."""
_API: Final = "/api/2.0/mlflow"
_AnyValue = TypeVar("_AnyValue", str, float)


class MlflowLineage:
    """Logs."""

    name: ClassVar[str] = "mlflow"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"
    settings_model = MlflowSettings

    def __init__(self, settings: MlflowSettings) -> None:
        self._experiment = settings.experiment
        self._receiver: Receiver = receiver(settings)

    def export(self, event: LineageEvent) -> None:
        """Let one record stand in MLflow."""
        experiment_id = self._experiment_id()
        run = run_of(event)
        if run is not None:
            self._log(experiment_id, run, event.hash)
        elif isinstance(event.said, LineageName):
            key, value = ref_tag(event.said)
            body = {"experiment_id": experiment_id, "key": key, "value": value}
            self._post("experiments/set-experiment-tag", body)
        elif isinstance(event.said, LineageRetirement):
            self._tag(experiment_id, DATASET, event.said.dataset.id, retirement_tags(event.said))
        elif isinstance(event.said, LineageProposal):
            self._tag(experiment_id, RUN, event.said.candidate_run, proposal_tags(event.said))

    def close(self) -> None:
        """Nothing is held."""

    def _log(self, experiment_id: str, run: Run, record_hash: str) -> None:
        run_id = self._found(experiment_id, RECORD, record_hash) or self._create(experiment_id, run)
        for part in _parts(run.params):
            self._post("runs/log-batch", {"run_id": run_id, "params": _pairs(part)})
        for figures in _parts(run.metrics):
            metrics = [{**one, "timestamp": run.time_ms, "step": 0} for one in _pairs(figures)]
            self._post("runs/log-batch", {"run_id": run_id, "metrics": metrics})
        self._post("runs/log-batch", {"run_id": run_id, "tags": _pairs(run.tags)})
        if run.inputs:
            self._post("runs/log-inputs", {"run_id": run_id, "datasets": list(run.inputs)})
        self._post("runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": run.time_ms})

    def _create(self, experiment_id: str, run: Run) -> str:
        """With its tags at once, so that it is found again after a kill."""
        body = {
            "experiment_id": experiment_id,
            "run_name": run.name,
            "start_time": run.time_ms,
            "tags": _pairs(run.tags),
        }
        return str(self._post("runs/create", body)["run"]["info"]["run_id"])

    def _tag(self, experiment_id: str, tag: str, value: str, tags: Mapping[str, str]) -> None:
        """Say more of a run; where MLflow has none, there is nothing to say it of."""
        run_id = self._found(experiment_id, tag, value)
        if run_id is not None:
            self._post("runs/log-batch", {"run_id": run_id, "tags": _pairs(tags)})

    def _found(self, experiment_id: str, tag: str, value: str) -> str | None:
        """The run with this tag, which holds hexadecimal digits alone."""
        body = {"experiment_ids": [experiment_id], "filter": f"tags.`{tag}` = '{value}'", "max_results": 1}
        found: dict[str, Any] = self._post("runs/search", body)
        runs: list[dict[str, Any]] = found.get("runs", [])
        return str(runs[0]["info"]["run_id"]) if runs else None

    def _experiment_id(self) -> str:
        """Asked for each time: it may have been deleted since. What MLflow says against it holds no record back."""
        try:
            found = self._get_experiment() or self._create_experiment()
        except RefusedError as error:
            raise ConnectionError(f"the experiment {self._experiment}: {error}") from error
        if found.get("lifecycle_stage", "active") != "active":
            raise ConnectionError(
                f"the experiment {self._experiment} was deleted in MLflow; restore it, or set another"
            )
        return str(found["experiment_id"])

    def _get_experiment(self) -> dict[str, Any] | None:
        try:
            query = {"experiment_name": self._experiment}
            found: dict[str, Any] = self._receiver.send("GET", f"{_API}/experiments/get-by-name", query=query)[
                "experiment"
            ]
        except NotThereError:
            return None
        return found

    def _create_experiment(self) -> dict[str, Any]:
        created: dict[str, Any] = self._post("experiments/create", {"name": self._experiment})
        return created

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._receiver.send("POST", f"{_API}/{path}", body)


def _pairs(said: Mapping[str, _AnyValue]) -> list[dict[str, Any]]:
    return [{"key": name, "value": value} for name, value in said.items()]


def _parts(said: Mapping[str, _AnyValue]) -> Iterator[dict[str, _AnyValue]]:
    left = iter(said.items())
    while part := dict(islice(left, _AT_ONCE)):
        yield part
