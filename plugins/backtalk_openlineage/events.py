"""A record of lineage as OpenLineage events. Pure.

In: a record, and the namespace. Out: a run's START and COMPLETE, or what changed of a dataset that no run wrote. The
one rule: a record has one time, so both events have it; when a build began is not known and not made up.
"""

import datetime as dt
import uuid
from typing import Any, Final
from urllib.parse import urlsplit

from backtalk.plugin import (
    LineageDataset,
    LineageEvent,
    LineageName,
    LineageProposal,
    LineageRetirement,
    LineageRun,
)
from backtalk_openlineage.datasets import built_dataset, table_dataset, used_dataset
from backtalk_openlineage.facets import PRODUCER, facet

SPECIFICATION: Final = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
_Document = dict[str, Any]


def events_of(event: LineageEvent, namespace: str) -> tuple[_Document, ...]:
    """The events of a record, in the order in which they are to be sent."""
    match event.said:
        case LineageDataset():
            return _run_events(event, _build(event.said, namespace))
        case LineageRun():
            return _run_events(event, _run(event.said, namespace))
        case LineageName():
            return _run_events(event, _naming(event, event.said, namespace))
        case LineageProposal():
            return _run_events(event, _proposal(event.said, namespace))
        case LineageRetirement():
            return (_retirement(event, event.said, namespace),)


def run_id(event: LineageEvent) -> str:
    """The run's id: the same for the same record."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:backtalk:lineage:{event.hash}"))


def _build(built: LineageDataset, namespace: str) -> _Document:
    recipe = facet("backtalk_recipe", sha256=built.recipe_sha256, kind=built.kind, builders=dict(built.builders))
    engine = facet("processing_engine", version=built.code_version, name="backtalk")
    return {
        "run": engine,
        "job": _job(namespace, f"dataset.{built.name}", "DATASET", recipe),
        "inputs": [table_dataset(namespace, table, version) for table, version in sorted(built.tables.items())],
        "outputs": [built_dataset(namespace, built)],
    }


def _run(run: LineageRun, namespace: str) -> _Document:
    parameters = [{"key": name, "value": str(value)} for name, value in sorted(run.config.items())]
    facets = {
        **facet("executionParameters", parameters=parameters),
        **facet("backtalk_metrics", metrics=dict(run.metrics)),
        **facet("backtalk_model", runId=run.id, baseModel=run.base_model, trainer=run.trainer),
    }
    model = [] if run.artefact_uri is None else [_model(namespace, run.artefact_uri, run.artefact_sha256)]
    trained = run.purpose == "training"
    return {
        "run": facets,
        "job": _job(namespace, f"{run.purpose}.{run.name}", run.purpose.upper(), {}),
        "inputs": [*(used_dataset(namespace, one) for one in run.datasets), *([] if trained else model)],
        "outputs": model if trained else [],
    }


def _naming(event: LineageEvent, said: LineageName, namespace: str) -> _Document:
    meaning = {
        **facet("version", datasetVersion=str(event.number)),
        **facet(
            "backtalk_name",
            parts=dict(said.parts),
            replacedRecord=said.replaced,
            rolledBackToRecord=said.rolled_back_to,
            proposalId=said.proposal,
        ),
    }
    return {
        "run": {},
        "job": _job(namespace, f"ref.{said.name}", "REF", {}),
        "inputs": [used_dataset(namespace, one) for one in said.datasets],
        "outputs": [{"namespace": namespace, "name": f"ref.{said.name}", "facets": meaning}],
    }


def _proposal(said: LineageProposal, namespace: str) -> _Document:
    """It writes nothing: the name changes by a run of its own, where somebody says yes."""
    told = facet(
        "backtalk_proposal",
        proposalId=said.id,
        state="rejected" if said.rejected else "made",
        parts=dict(said.parts),
        trainingRunId=said.training_run,
        candidateRunId=said.candidate_run,
        currentRunId=said.current_run,
        figures={name: str(value) for name, value in said.figures.items()},
    )
    return {
        "run": told,
        "job": _job(namespace, f"proposal.{said.name}", "PROPOSAL", {}),
        "inputs": [used_dataset(namespace, one) for one in said.datasets],
        "outputs": [],
    }


def _retirement(event: LineageEvent, said: LineageRetirement, namespace: str) -> _Document:
    """No DROP: a name goes on where a newer dataset has it."""
    gone = said.dataset
    facets = {
        **facet("version", datasetVersion=gone.id),
        **facet("backtalk_retirement", erased=said.erased, replacedBy=said.replaced_by, record=event.number),
    }
    dataset = {"namespace": namespace, "name": gone.name, "facets": facets}
    return {**_head(event, "DatasetEvent"), "dataset": dataset}


def _run_events(event: LineageEvent, parts: _Document) -> tuple[_Document, ...]:
    record = facet("backtalk_record", number=event.number, hash=event.hash)
    run = {"runId": run_id(event), "facets": {**parts["run"], **record}}
    began: _Document = {"inputs": parts["inputs"], "outputs": []}
    ended: _Document = {"inputs": parts["inputs"], "outputs": parts["outputs"]}
    return tuple(
        {**_head(event, "RunEvent"), "eventType": kind, "run": run, "job": parts["job"], **sets}
        for kind, sets in (("START", began), ("COMPLETE", ended))
    )


def _head(event: LineageEvent, kind: str) -> _Document:
    seconds, rest = divmod(event.time_ns, 1_000_000_000)
    time = dt.datetime.fromtimestamp(seconds, dt.UTC).replace(microsecond=rest // 1000)
    told = time.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {"eventTime": told, "producer": PRODUCER, "schemaURL": f"{SPECIFICATION}#/$defs/{kind}"}


def _job(namespace: str, name: str, kind: str, facets: _Document) -> _Document:
    told = facet("jobType", processingType="BATCH", integration="BACKTALK", jobType=kind)
    return {"namespace": namespace, "name": name, "facets": {**told, **facets}}


def _model(namespace: str, uri: str, sha256: str | None) -> _Document:
    """A model by its address: a server or a bucket is a namespace, the path a name in it."""
    parts = urlsplit(uri)
    place, name = (f"{parts.scheme}://{parts.netloc}", parts.path.lstrip("/")) if parts.netloc else (namespace, uri)
    version = {} if sha256 is None else facet("version", datasetVersion=sha256)
    return {"namespace": place, "name": name or uri, "facets": {**facet("datasetType", datasetType="MODEL"), **version}}
