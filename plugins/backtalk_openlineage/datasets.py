"""Datasets and the ledger's tables as OpenLineage names and describes them. Pure.

In: a dataset's values. Out: input and output datasets with their facets. The one rule: a column comes from another one
only where it holds the same values: ids do, texts were chosen, redacted and joined on the way.
"""

from collections.abc import Mapping
from typing import Any, Final

from backtalk.plugin import LineageDataset
from backtalk_openlineage.facets import facet

_SAME: Final[Mapping[str, tuple[str, str]]] = {
    "trace_ids": ("calls", "trace_id"),
    "span_ids": ("calls", "span_id"),
    "feedback_ids": ("feedback", "feedback_id"),
    "signal_ids": ("signals", "signal_id"),
}
"""The columns of a dataset that hold a table's own values, each with the table and its column."""
_Document = dict[str, Any]


def table_dataset(namespace: str, table: str, version: int) -> _Document:
    """A table of the ledger in one version."""
    facets = {**facet("version", datasetVersion=str(version)), **facet("datasetType", datasetType="TABLE")}
    return {"namespace": namespace, "name": f"ledger.{table}", "facets": facets}


def used_dataset(namespace: str, dataset: LineageDataset) -> _Document:
    """A dataset where it is read: which version, and how much of it."""
    statistics = facet("inputStatistics", rowCount=dataset.rows, **_sizes(dataset))
    facets = {**_identity(dataset), **_schema(dataset)}
    return {"namespace": namespace, "name": dataset.name, "facets": facets, "inputFacets": statistics}


def built_dataset(namespace: str, dataset: LineageDataset) -> _Document:
    """A dataset where it is written: all that is known of it."""
    facets = {
        **_identity(dataset),
        **_schema(dataset),
        **_column_lineage(namespace, dataset),
        **facet("datasetType", datasetType="FILE"),
        **facet("lifecycleStateChange", lifecycleStateChange="CREATE" if dataset.is_first else "OVERWRITE"),
        **facet(
            "backtalk_dataset",
            manifestSha256=dataset.sha256,
            splits=dict(dataset.splits),
            facts=dict(dataset.facts),
            leftOut=dict(dataset.left_out),
            previousManifestSha256=dataset.previous_sha256,
            erasedRows=dataset.erased_rows,
        ),
    }
    statistics = facet("outputStatistics", rowCount=dataset.rows, **_sizes(dataset))
    return {"namespace": namespace, "name": dataset.name, "facets": facets, "outputFacets": statistics}


def _identity(dataset: LineageDataset) -> _Document:
    return {
        **facet("version", datasetVersion=dataset.id),
        **facet("dataSource", name=dataset.name, uri=dataset.uri),
    }


def _schema(dataset: LineageDataset) -> _Document:
    if not dataset.columns:
        return {}
    return facet("schema", fields=[{"name": one.name, "type": one.type} for one in dataset.columns])


def _column_lineage(namespace: str, dataset: LineageDataset) -> _Document:
    names = {column.name for column in dataset.columns}
    fields = {
        name: {"inputFields": [{"namespace": namespace, "name": f"ledger.{table}", "field": column, **_IDENTITY}]}
        for name, (table, column) in _SAME.items()
        if name in names and table in dataset.tables
    }
    return facet("columnLineage", fields=fields) if fields else {}


_IDENTITY: Final[_Document] = {"transformations": [{"type": "DIRECT", "subtype": "IDENTITY"}]}


def _sizes(dataset: LineageDataset) -> _Document:
    """How many files, and their bytes where each file's are known."""
    sizes = [file.size_bytes for file in dataset.files]
    known = [size for size in sizes if size is not None]
    return {"fileCount": len(sizes) or None, "size": sum(known) if sizes and len(known) == len(sizes) else None}
