"""Lineage as real receivers take it: MLflow's server (mark `mlflow`) and OpenLineage's own client (mark `backends`).

A dataset is built from a ledger and goes all the way: the commands, the log, the exporter, the receiver. No server of
OpenLineage comes as a package, so its own client stands for one: it builds every event of its own types, and sends it.
"""

import json
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import pytest
from click.testing import CliRunner

from backtalk.cli import main
from backtalk.testing import stories
from backtalk.testing.annotation_door import annotation_door
from backtalk.testing.backends import running_mlflow
from backtalk.testing.ledgers import write_facts
from backtalk.testing.sockets import free_port

ENVIRONMENTS: Final = Path(__file__).parents[2] / ".venvs"
MLFLOW_READS: Final = """
import json, sys, warnings
import mlflow, mlflow.data
mlflow.set_tracking_uri(sys.argv[1])
found = {}
for run in mlflow.search_runs(experiment_names=["backtalk"], output_format="list"):
    inputs = {
        one.dataset.name: {
            "digest": one.dataset.digest,
            "context": {tag.key: tag.value for tag in one.tags}["mlflow.data.context"],
            "path": mlflow.data.get_source(one.dataset).load(),
            "columns": [column["name"] for column in json.loads(one.dataset.schema)["mlflow_colspec"]],
            "rows": json.loads(one.dataset.profile)["num_rows"],
        }
        for one in run.inputs.dataset_inputs
    }
    found[run.info.run_name] = {
        "status": run.info.status, "params": run.data.params, "metrics": run.data.metrics,
        "tags": run.data.tags, "inputs": inputs,
    }
print(json.dumps(found))
"""
OPENLINEAGE_SENDS: Final = """
import json, sys
from openlineage.client import OpenLineageClient, event_v2, facet_v2
from openlineage.client.facet_v2 import (
    column_lineage_dataset, dataset_type_dataset, dataset_version_dataset, datasource_dataset, execution_parameters_run,
    input_statistics_input_dataset, job_type_job, lifecycle_state_change_dataset, output_statistics_output_dataset,
    processing_engine_run, schema_dataset,
)
from openlineage.client.generated.base import EventType, StaticDataset
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport

def column_lineage(fields, producer):
    def source(one):
        given = dict(one, transformations=[column_lineage_dataset.Transformation(**t) for t in one["transformations"]])
        return column_lineage_dataset.InputField(**given)
    read = {name: column_lineage_dataset.Fields(inputFields=[source(one) for one in told["inputFields"]])
            for name, told in fields.items()}
    return column_lineage_dataset.ColumnLineageDatasetFacet(fields=read, producer=producer)

def schema(fields, producer):
    read = [schema_dataset.SchemaDatasetFacetFields(**one) for one in fields]
    return schema_dataset.SchemaDatasetFacet(fields=read, producer=producer)

def parameters(parameters, producer):
    read = [execution_parameters_run.ExecutionParameter(**one) for one in parameters]
    return execution_parameters_run.ExecutionParametersRunFacet(parameters=read, producer=producer)

def change(lifecycleStateChange, producer):
    kind = lifecycle_state_change_dataset.LifecycleStateChange(lifecycleStateChange)
    return lifecycle_state_change_dataset.LifecycleStateChangeDatasetFacet(lifecycleStateChange=kind, producer=producer)

TYPES = {
    "columnLineage": column_lineage, "schema": schema, "executionParameters": parameters,
    "lifecycleStateChange": change, "dataSource": datasource_dataset.DatasourceDatasetFacet,
    "version": dataset_version_dataset.DatasetVersionDatasetFacet,
    "datasetType": dataset_type_dataset.DatasetTypeDatasetFacet, "jobType": job_type_job.JobTypeJobFacet,
    "inputStatistics": input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
    "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
    "processing_engine": processing_engine_run.ProcessingEngineRunFacet,
}
BASES = {"DatasetFacet": facet_v2.DatasetFacet, "JobFacet": facet_v2.JobFacet, "RunFacet": facet_v2.RunFacet}

def facets(told):
    return {name: facet(name, dict(one)) for name, one in (told or {}).items()}

def facet(name, told):
    producer, url = told.pop("_producer"), told.pop("_schemaURL")
    if not name.startswith("backtalk_"):
        read = TYPES[name](**told, producer=producer)
        assert read._schemaURL == url, (read._schemaURL, url)
        return read
    (base,) = (kind for suffix, kind in BASES.items() if url.endswith(suffix))
    read = base(producer=producer).with_additional_properties(**told)
    read._schemaURL = url
    return read

def dataset(kind, told):
    told = dict(told, facets=facets(told.get("facets")))
    for side in ("inputFacets", "outputFacets"):
        if side in told:
            told[side] = facets(told[side])
    return kind(**told)

def event(told):
    head = {"eventTime": told["eventTime"], "producer": told["producer"]}
    if "dataset" in told:
        read = event_v2.DatasetEvent(dataset=dataset(StaticDataset, told["dataset"]), **head)
    else:
        read = event_v2.RunEvent(
            eventType=EventType(told["eventType"]),
            run=event_v2.Run(told["run"]["runId"], facets(told["run"]["facets"])),
            job=event_v2.Job(told["job"]["namespace"], told["job"]["name"], facets(told["job"]["facets"])),
            inputs=[dataset(event_v2.InputDataset, one) for one in told["inputs"]],
            outputs=[dataset(event_v2.OutputDataset, one) for one in told["outputs"]],
            **head,
        )
    assert read.schemaURL == told["schemaURL"]
    return read

transport = HttpTransport(HttpConfig(url=sys.argv[1], auth=ApiKeyTokenProvider({"apiKey": "ol-1"})))
client = OpenLineageClient(transport=transport)
for told in json.load(sys.stdin):
    client.emit(event(told))
"""

pytestmark = pytest.mark.timeout(600)


def _story(tmp_path: Path, plugin: str, settings: Mapping[str, str]) -> None:
    """A dataset, a training and an evaluation on it, a name for both, and the dataset's end; each is told at once."""
    section = "\n".join(f'{name} = "{value}"' for name, value in settings.items())
    text = f'data_dir = "{tmp_path / "data"}"\n[plugin.{plugin}]\n{section}\n[lineage]\nexporters = ["{plugin}"]\n'
    (tmp_path / "backtalk.toml").write_text(text, encoding="utf-8")
    call = stories.closed()
    given = stories.feedback(kind="correction", value_json='"It scatters."', target_trace_id=call.key.trace_id)
    write_facts(tmp_path / "data" / "ledger", call, given)
    figures = ("--metric", "loss=0.41", "--set", "lr=2e-5", "--base-model", "qwen-0.5b")
    _run(tmp_path, "dataset", "build", "dpo", "--out", str(tmp_path / "pairs"))
    _run(tmp_path, "run", "register", "tune-7", "--dataset", "pairs", "--artefact", "s3://models/tune-7", *figures)
    _run(tmp_path, "run", "register", "exam", "--evaluation", "--dataset", "pairs", "--metric", "accuracy=0.9")
    _run(tmp_path, "ref", "set", "production", "dataset=pairs", "run=tune-7", "route=gold", "--reason", "better")
    _run(tmp_path, "dataset", "retire", "pairs", "--reason", "old")


def _run(tmp_path: Path, *words: str) -> None:
    found = CliRunner().invoke(main, [*words, "--config", str(tmp_path / "backtalk.toml")], catch_exceptions=False)
    assert (found.exit_code, "1 records sent" in found.output) == (0, True), found.output


@pytest.mark.mlflow
def test_mlflow_has_datasets_and_runs(tmp_path: Path) -> None:
    """Read by MLflow's own client: each run once, finished, with the dataset that loads from where it was built."""
    with running_mlflow(tmp_path / "mlflow", free_port()) as url:
        _story(tmp_path, "mlflow", {"url": url})
        config = ["--config", str(tmp_path / "backtalk.toml")]
        again = CliRunner().invoke(main, ["lineage", "export", "--since", "2020-01-01", *config])
        assert again.output == "mlflow: 5 records sent\n"
        found = _read(ENVIRONMENTS / "mlflow" / "bin" / "python", MLFLOW_READS, url)
        query = urllib.parse.urlencode({"experiment_name": "backtalk"})
        with urllib.request.urlopen(f"{url}/api/2.0/mlflow/experiments/get-by-name?{query}") as answer:  # noqa: S310 -- our own server
            tags = {tag["key"]: tag["value"] for tag in json.load(answer)["experiment"]["tags"]}
    assert set(found) == {"dataset pairs", "tune-7", "exam"}
    assert {run["status"] for run in found.values()} == {"FINISHED"}
    built, trained = found["dataset pairs"], found["tune-7"]
    dataset_id = built["tags"]["backtalk.dataset_id"]
    told = built["inputs"]["pairs"]
    assert (told["digest"], told["context"], told["rows"]) == (dataset_id, "built", 1)
    assert {"prompt", "trace_ids"} <= set(told["columns"])
    assert (Path(told["path"]) / "manifest.json").is_file()
    assert built["tags"]["backtalk.retired"] == "true"
    assert built["metrics"]["rows"] == 1
    assert (trained["params"], trained["metrics"]) == ({"lr": "2e-5"}, {"loss": 0.41})
    assert trained["tags"]["backtalk.artefact_uri"] == "s3://models/tune-7"
    assert [found[name]["inputs"]["pairs"]["context"] for name in ("tune-7", "exam")] == ["training", "evaluation"]
    assert json.loads(tags["backtalk.ref.production"])["dataset"] == dataset_id
    assert "scatters" not in json.dumps(found)


@pytest.mark.backends
def test_openlineages_client_sends_the_same_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same path, key and fields, from its own types, each with the schema that it names itself."""
    python = ENVIRONMENTS / "backends" / "bin" / "python"
    if not python.exists():
        pytest.skip("there is no environment for it: run `make test-backends`")
    monkeypatch.setenv("OL_KEY", "ol-1")
    with annotation_door() as door:
        _story(tmp_path, "openlineage", {"url": door.url, "token_env": "OL_KEY", "namespace": "shop"})
        ours = list(door.sent)
        _sent_by(python, [sent.body for sent in ours], door.url)
        theirs = door.sent[len(ours) :]
    assert len(ours) == 9
    assert {(sent.method, sent.path, sent.headers["authorization"]) for sent in ours} == {
        (sent.method, sent.path, sent.headers["authorization"]) for sent in theirs
    }
    assert [_comparable(sent.body) for sent in theirs] == [_comparable(sent.body) for sent in ours]
    told = json.dumps([sent.body for sent in ours])
    assert ("scatters" not in told, '"tags"' not in told) == (True, True)


def _comparable(value: object) -> object:
    """Without empty objects, which the client puts where there are no facets, and without its own tag."""
    if isinstance(value, dict):
        told = cast("dict[str, Any]", value)
        kept = {name: _comparable(inner) for name, inner in told.items() if name != "tags"}
        return {name: inner for name, inner in kept.items() if inner not in ({}, [])}
    listed = cast("list[Any]", value)
    return [_comparable(inner) for inner in listed] if isinstance(value, list) else value


def _read(python: Path, program: str, url: str) -> dict[str, Any]:
    done = subprocess.run([str(python), "-c", program, url], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _sent_by(python: Path, events: list[Any], url: str) -> None:
    command = [str(python), "-c", OPENLINEAGE_SENDS, url]
    done = subprocess.run(command, input=json.dumps(events), capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
