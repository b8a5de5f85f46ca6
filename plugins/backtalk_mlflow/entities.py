"""Records of lineage in MLflow's words: runs with params, metrics and tags, and datasets as their inputs. Pure.

In: a record. Out: one run, or what changes of an experiment or of an earlier run. The one rule: a dataset's digest is
its id in Backtalk; MLflow allows 36 characters, so the whole hash of its manifest stands in its profile.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from backtalk.plugin import (
    LineageDataset,
    LineageEvent,
    LineageName,
    LineageProposal,
    LineageRetirement,
    LineageRun,
)

RECORD: Final = "backtalk.record"
"""The tag by which a run is found again: the hash of the record."""
DATASET: Final = "backtalk.dataset_id"
"""The tag by which the run of a build is found."""
RUN: Final = "backtalk.run_id"
"""The tag by which the run of a training or an evaluation is found."""
_MOST_NAME_CHARS: Final = 240
_NOT_IN_NAMES: Final = re.compile(r"[^\w.\- :/]")
_TYPES: Final[Mapping[str, Any]] = {
    "utf8": {"type": "string"},
    "int64": {"type": "long"},
    "float64": {"type": "double"},
    "boolean": {"type": "boolean"},
    "list(utf8)": {"type": "array", "items": {"type": "string"}},
}


class Run(NamedTuple):
    """A run as it is to stand in MLflow."""

    name: str
    time_ms: int
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    inputs: tuple[dict[str, Any], ...]


def run_of(event: LineageEvent) -> Run | None:
    """The run of a build, of a training or of an evaluation; None for what is no run."""
    match event.said:
        case LineageDataset():
            return _build(event, event.said)
        case LineageRun():
            return _run(event, event.said)
        case LineageName() | LineageProposal() | LineageRetirement():
            return None


def ref_tag(said: LineageName) -> tuple[str, str]:
    """What a name means now, as a tag of the experiment; a changed key has a hash, so that two names stay two."""
    key = key_of(f"backtalk.ref.{said.name}")
    if key != f"backtalk.ref.{said.name}":
        key = f"{key}.{hashlib.sha256(said.name.encode()).hexdigest()[:8]}"
    return key, json.dumps(dict(said.parts), sort_keys=True, ensure_ascii=False)


def retirement_tags(said: LineageRetirement) -> dict[str, str]:
    """What the run of a build is told when its dataset is not used any more."""
    replaced = {} if said.replaced_by is None else {"backtalk.replaced_by": said.replaced_by}
    return {"backtalk.retired": "true", "backtalk.erased": str(said.erased).lower(), **replaced}


def proposal_tags(said: LineageProposal) -> dict[str, str]:
    """What the run that judged the candidate is told."""
    state = "rejected" if said.rejected else "made"
    return {"backtalk.proposal": said.id, "backtalk.proposal_for": said.name, "backtalk.proposal_state": state}


def key_of(name: str) -> str:
    """A name as MLflow allows it; what it does not becomes an underscore."""
    return _NOT_IN_NAMES.sub("_", name)[:_MOST_NAME_CHARS]


def _build(event: LineageEvent, built: LineageDataset) -> Run:
    said = {"kind": built.kind, "code_version": built.code_version, "recipe_sha256": built.recipe_sha256}
    tables = {f"table.{table}": version for table, version in built.tables.items()}
    builders = {f"builder.{name}": version for name, version in built.builders.items()}
    numbers = {
        "rows": built.rows,
        "erased_rows": built.erased_rows,
        **{f"rows.{split}": count for split, count in built.splits.items()},
        **{f"facts.{kind}": count for kind, count in built.facts.items()},
        **{f"left_out.{reason}": count for reason, count in built.left_out.items()},
    }
    tags = {**_tags(event, "dataset"), DATASET: built.id}
    params = _params({**said, **tables, **builders})
    metrics = {key_of(name): float(value) for name, value in numbers.items()}
    return Run(f"dataset {built.name}", _ms(event), tags, params, metrics, (_input(built, "built"),))


def _run(event: LineageEvent, run: LineageRun) -> Run:
    given = {
        RUN: run.id,
        "backtalk.dataset_ids": ",".join(one.id for one in run.datasets),
        "backtalk.base_model": run.base_model,
        "backtalk.trainer": run.trainer,
        "backtalk.artefact_uri": run.artefact_uri,
        "backtalk.artefact_sha256": run.artefact_sha256,
    }
    tags = {**_tags(event, run.purpose), **{name: value for name, value in given.items() if value is not None}}
    inputs = tuple(_input(one, run.purpose) for one in run.datasets)
    metrics = {key_of(name): value for name, value in run.metrics.items()}
    return Run(run.name, _ms(event), tags, _params(run.config), metrics, inputs)


def _tags(event: LineageEvent, kind: str) -> dict[str, str]:
    return {RECORD: event.hash, "backtalk.record_number": str(event.number), "backtalk.kind": kind}


def _params(said: Mapping[str, Any]) -> dict[str, str]:
    return {key_of(name): str(value) for name, value in said.items() if value is not None}


def _input(dataset: LineageDataset, context: str) -> dict[str, Any]:
    profile = {
        "num_rows": dataset.rows,
        "manifest_sha256": dataset.sha256,
        "splits": dict(dataset.splits),
        "facts": dict(dataset.facts),
    }
    said = {
        "name": dataset.name,
        "digest": dataset.id,
        "source_type": "local",
        "source": json.dumps({"uri": dataset.uri}),
        "profile": json.dumps(profile),
    }
    if columns := [
        {"name": one.name, "required": False, **_TYPES.get(one.type, _TYPES["utf8"])} for one in dataset.columns
    ]:
        said["schema"] = json.dumps({"mlflow_colspec": columns})
    return {"tags": [{"key": "mlflow.data.context", "value": context}], "dataset": said}


def _ms(event: LineageEvent) -> int:
    return event.time_ns // 1_000_000
