"""Lineage over MLflow's REST API, literally; a real MLflow takes the same in `tests/flows/test_lineage_backends.py`."""

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from backtalk.errors import SetupError
from backtalk.plugin import LineageEvent, RefusedError
from backtalk.plugin.discovery import LINEAGE_EXPORTERS, check, load_lineage_exporters
from backtalk.testing.annotation_door import Reply, Sent, annotation_door
from backtalk.testing.lineage_events import dataset, event, named, one_of_each, proposed, retired, run
from backtalk_mlflow import MlflowSettings
from backtalk_mlflow.entities import ref_tag, run_of
from backtalk_mlflow.lineage import MlflowLineage


class Tracking:
    """One experiment and its runs, as MLflow holds them."""

    def __init__(self) -> None:
        self.experiment: dict[str, Any] | None = None
        self.tags: dict[str, str] = {}
        self.runs: list[dict[str, Any]] = []
        self.fails: Callable[[str], bool] = lambda _: False

    def answer(self, sent: Sent) -> Reply | None:
        """Find, create, log."""
        what = sent.path.removeprefix("/api/2.0/mlflow/").partition("?")[0]
        return (503, {}) if self.fails(what) else self._taken(what, sent)

    def _taken(self, what: str, sent: Sent) -> Reply:
        match what:
            case "experiments/get-by-name":
                return (200, {"experiment": self.experiment}) if self.experiment else (404, {})
            case "experiments/create":
                self.experiment = {"experiment_id": "7", "name": sent.body["name"], "lifecycle_stage": "active"}
                return 200, {"experiment_id": "7"}
            case "experiments/set-experiment-tag":
                self.tags[sent.body["key"]] = sent.body["value"]
            case "runs/create":
                self.runs.append({"id": f"r{len(self.runs)}", "logged": {}, **sent.body})
                return 200, {"run": {"info": {"run_id": self.runs[-1]["id"]}}}
            case "runs/search":
                return 200, self._found(sent.body["filter"])
            case _:
                self._log(sent.body)
        return 200, {}

    def _found(self, condition: str) -> dict[str, Any]:
        match = re.fullmatch(r"tags\.`([\w.]+)` = '([0-9a-f]+)'", condition)
        assert match is not None
        tag = {"key": match[1], "value": match[2]}
        found = [one for one in self.runs if tag in one["tags"]]
        return {"runs": [{"info": {"run_id": one["id"]}} for one in found]} if found else {}

    def _log(self, body: dict[str, Any]) -> None:
        (one,) = (one for one in self.runs if one["id"] == body["run_id"])
        for part in ("params", "tags", "metrics"):
            one["logged"].setdefault(part, {}).update({pair["key"]: pair["value"] for pair in body.get(part, ())})
        one["logged"].update({name: value for name, value in body.items() if name in ("datasets", "status")})


def told(*events: LineageEvent, tracking: Tracking | None = None) -> Tracking:
    """What MLflow holds after these records."""
    held = tracking or Tracking()
    with annotation_door() as door:
        door.answer = held.answer
        exporter = MlflowLineage(MlflowSettings(url=door.url))
        for one in events:
            exporter.export(one)
        exporter.close()
    return held


def test_a_build_is_a_finished_run_with_its_dataset() -> None:
    """The dataset by its id, with schema and profile; what it was made from as params, how much as metrics."""
    (one,) = told(event()).runs
    assert (one["run_name"], one["experiment_id"], one["logged"]["status"]) == ("dataset pairs", "7", "FINISHED")
    assert one["start_time"] == 1_764_115_200_123
    (given,) = one["logged"]["datasets"]
    assert given["tags"] == [{"key": "mlflow.data.context", "value": "built"}]
    assert (given["dataset"]["name"], given["dataset"]["digest"]) == ("pairs", dataset().id)
    assert json.loads(given["dataset"]["source"]) == {"uri": "file:///sets/pairs"}
    assert [column["type"] for column in json.loads(given["dataset"]["schema"])["mlflow_colspec"]] == ["long", "array"]
    assert json.loads(given["dataset"]["profile"])["manifest_sha256"] == dataset().sha256
    assert one["logged"]["params"]["table.feedback"] == "5"
    assert (one["logged"]["metrics"]["rows.train"], one["logged"]["metrics"]["left_out.no_consent"]) == (11.0, 4.0)


def test_a_training_is_a_run_with_its_params_figures_and_inputs() -> None:
    """A name that MLflow does not allow is written with underscores."""
    (one,) = told(event(run())).runs
    assert one["logged"]["params"] == {"lr": "2e-05", "epochs": "3", "packing": "True"}
    assert one["logged"]["metrics"] == {"loss": 0.41, "accuracy_1": 0.9}
    assert one["logged"]["tags"]["backtalk.artefact_uri"] == "s3://models/tune-7"
    assert one["logged"]["tags"]["backtalk.dataset_ids"] == dataset().id
    assert [given["tags"][0]["value"] for given in one["logged"]["datasets"]] == ["training"]
    judged = told(event(run(evaluates=True))).runs[0]["logged"]
    assert [given["tags"][0]["value"] for given in judged["datasets"]] == ["evaluation"]


def test_a_repeat_makes_no_second_run() -> None:
    """A run is looked up by its record's hash; two records are two runs."""
    assert len(told(*one_of_each(), *one_of_each()).runs) == 4


def test_a_kill_on_the_way_leaves_one_whole_run() -> None:
    """The run that was made is found again, and what was not logged is."""
    held = Tracking()
    held.fails = lambda path: path == "runs/log-inputs"
    with pytest.raises(OSError, match="503"):
        told(event(), tracking=held)
    held.fails = lambda _: False
    (one,) = told(event(), tracking=held).runs
    assert (one["logged"]["status"], len(one["logged"]["datasets"])) == ("FINISHED", 1)


def test_a_name_is_a_tag_of_the_experiment() -> None:
    """It says what the name means now, all parts together; two names are two tags."""
    held = told(event(named()))
    assert json.loads(held.tags["backtalk.ref.production"])["route"] == "gold"
    assert len({ref_tag(named(name))[0] for name in ("a_b", "a@b", "a#b")}) == 3


def test_a_retirement_is_said_of_the_run_that_built_it() -> None:
    """Where MLflow has none, there is nothing to say it of."""
    tags = told(event(), event(retired(), 2)).runs[0]["logged"]["tags"]
    assert (tags["backtalk.erased"], tags["backtalk.replaced_by"]) == ("true", "f" * 16)
    assert told(event(retired(), 2)).runs == []


def test_a_proposal_is_said_of_the_run_that_judged_its_model() -> None:
    """And so is a no; where MLflow has no such run, nothing is said."""
    judged = msgspec.structs.replace(run(evaluates=True), id=proposed().candidate_run)
    tags = told(event(judged), event(proposed(), 2)).runs[0]["logged"]["tags"]
    assert (tags["backtalk.proposal_for"], tags["backtalk.proposal_state"]) == ("production", "made")
    held = told(event(judged), event(proposed(), 2), event(proposed(rejected=True), 3))
    assert held.runs[0]["logged"]["tags"]["backtalk.proposal_state"] == "rejected"
    assert told(event(proposed(), 2)).runs == []


def test_a_deleted_experiment_costs_no_record() -> None:
    """It is no refusal: the record is sent when the experiment is there again."""
    held = Tracking()
    held.experiment = {"experiment_id": "7", "lifecycle_stage": "deleted"}
    with pytest.raises(ConnectionError, match="was deleted in MLflow"):
        told(event(), tracking=held)


def test_what_mlflow_never_takes_is_refused() -> None:
    """So that the records behind it are sent."""
    with annotation_door() as door:
        held = Tracking()
        door.answer = lambda sent: (400, {}) if sent.path.endswith("runs/create") else held.answer(sent)
        with pytest.raises(RefusedError):
            MlflowLineage(MlflowSettings(url=door.url)).export(event())


def test_many_params_go_in_parts() -> None:
    """MLflow takes a hundred at once."""
    changed = msgspec.structs.replace(run(), config={f"layer.{number}": number for number in range(250)})
    assert len(told(event(changed)).runs[0]["logged"]["params"]) == 250


def test_it_is_off_until_it_is_named() -> None:
    """Named without an address it is refused; names have no run of their own."""
    check(LINEAGE_EXPORTERS, "mlflow", MlflowLineage)
    with pytest.raises(SetupError, match=r"\[plugin.mlflow\] url"):
        load_lineage_exporters(("mlflow",), {})
    assert (run_of(event(named())), run_of(event(retired()))) == (None, None)
