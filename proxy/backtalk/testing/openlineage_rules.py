"""What OpenLineage 2-0-2 asks of an event and of the facets that we send, as JSON schemas.

In: a table of facts, read off the specification (openlineage.io/spec, versions as named). Out: schemas by the addresses
that events name. The one rule: what the specification requires is required here, and a field has the type it has there.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

SPECIFICATION: Final = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
_TEXT: Final = {"type": "string"}
_ADDRESS: Final = {"type": "string", "format": "uri"}
_WHOLE: Final = {"type": "integer"}
_BASE: Final = {"_producer": _ADDRESS, "_schemaURL": _ADDRESS}
_FAMILIES: Final = ("RunFacet", "JobFacet", "DatasetFacet", "InputDatasetFacet", "OutputDatasetFacet")
_COUNTS: Final = {"rowCount": _WHOLE, "size": _WHOLE, "fileCount": _WHOLE}
_CHANGES: Final = {"enum": ["ALTER", "CREATE", "DROP", "OVERWRITE", "RENAME", "TRUNCATE"]}


class Facet(NamedTuple):
    """One kind of facet: its version, and its fields; those in `required` must be there."""

    version: str
    required: tuple[str, ...]
    fields: Mapping[str, Any]


def _object(fields: Mapping[str, Any], *required: str, closed: bool = False) -> dict[str, Any]:
    return {"type": "object", "properties": dict(fields), "required": list(required)} | (
        {"additionalProperties": False} if closed else {}
    )


def _each(of: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


_COLUMN: Final = _object({"name": _TEXT, "type": _TEXT, "ordinal_position": _WHOLE}, "name")
_ORIGIN: Final = _object(
    {"namespace": _TEXT, "name": _TEXT, "field": _TEXT, "transformations": _each(_object({"type": _TEXT}, "type"))},
    "namespace",
    "name",
    "field",
)
_PARAMETER: Final = _object({"key": _TEXT, "name": _TEXT, "value": _TEXT}, "key", closed=True)
FACETS: Final[Mapping[str, Facet]] = {
    "ColumnLineageDatasetFacet": Facet(
        "1-2-0",
        ("fields",),
        {
            "fields": {
                "type": "object",
                "additionalProperties": _object({"inputFields": _each(_ORIGIN)}, "inputFields"),
            }
        },
    ),
    "DatasetTypeDatasetFacet": Facet("1-0-1", ("datasetType",), {"datasetType": _TEXT, "subType": _TEXT}),
    "DatasetVersionDatasetFacet": Facet("1-0-1", ("datasetVersion",), {"datasetVersion": _TEXT}),
    "DatasourceDatasetFacet": Facet("1-0-1", (), {"name": _TEXT, "uri": _ADDRESS}),
    "ExecutionParametersRunFacet": Facet("1-0-0", (), {"parameters": _each(_PARAMETER)}),
    "InputStatisticsInputDatasetFacet": Facet("1-0-0", (), _COUNTS),
    "JobTypeJobFacet": Facet(
        "2-0-4",
        ("processingType", "integration"),
        {"processingType": _TEXT, "integration": _TEXT, "jobType": _TEXT},
    ),
    "LifecycleStateChangeDatasetFacet": Facet("1-0-1", ("lifecycleStateChange",), {"lifecycleStateChange": _CHANGES}),
    "OutputStatisticsOutputDatasetFacet": Facet("1-0-2", (), _COUNTS),
    "ProcessingEngineRunFacet": Facet(
        "1-1-1", ("version",), {"version": _TEXT, "name": _TEXT, "openlineageAdapterVersion": _TEXT}
    ),
    "SchemaDatasetFacet": Facet("1-2-0", (), {"fields": _each(_COLUMN)}),
}


def schemas() -> list[dict[str, Any]]:
    """Every schema, each under its own address."""
    return [_event(), *(_facet(name, facet) for name, facet in FACETS.items())]


def _facet(name: str, facet: Facet) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://openlineage.io/spec/facets/{facet.version}/{name}.json",
        "$defs": {name: _object({**_BASE, **facet.fields}, *_BASE, *facet.required)},
    }


def _event() -> dict[str, Any]:
    base = _object(_BASE, *_BASE)
    carried = {"type": "object", "additionalProperties": base}
    when = {"eventTime": {"type": "string", "format": "date-time"}, "producer": _ADDRESS, "schemaURL": _ADDRESS}
    named = {"namespace": _TEXT, "name": _TEXT, "facets": carried}
    dataset = _object(named, "namespace", "name")
    fields = {
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "run": _object({"runId": {"type": "string", "format": "uuid"}, "facets": carried}, "runId"),
        "job": dataset,
        "inputs": _each(_object({**named, "inputFacets": carried}, "namespace", "name")),
        "outputs": _each(_object({**named, "outputFacets": carried}, "namespace", "name")),
    }
    events = {
        "RunEvent": _object({**when, **fields}, *when, "run", "job"),
        "DatasetEvent": _object({**when, "dataset": dataset}, *when, "dataset") | {"not": {"required": ["job", "run"]}},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SPECIFICATION,
        "$defs": {**events, **dict.fromkeys(_FAMILIES, base)},
    }
