"""Facets: what OpenLineage has a shape for, and what only Backtalk has. Pure.

In: the facets' fields. Out: facets by their keys. The one rule: each names the version of its schema; those of our own
have theirs in `facets.json` beside this module.
"""

from collections.abc import Mapping
from typing import Any, Final

PRODUCER: Final = "urn:backtalk:openlineage:1.0"
"""Who made an event; an identifier, not a place."""
OWN: Final = "urn:backtalk:openlineage:facets:1-0-0"
"""The id of our own facets' schema."""
_SPECIFICATION: Final = "https://openlineage.io/spec/facets"
_STANDARD: Final[Mapping[str, str]] = {
    "columnLineage": "1-2-0/ColumnLineageDatasetFacet",
    "dataSource": "1-0-1/DatasourceDatasetFacet",
    "datasetType": "1-0-1/DatasetTypeDatasetFacet",
    "executionParameters": "1-0-0/ExecutionParametersRunFacet",
    "inputStatistics": "1-0-0/InputStatisticsInputDatasetFacet",
    "jobType": "2-0-4/JobTypeJobFacet",
    "lifecycleStateChange": "1-0-1/LifecycleStateChangeDatasetFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
    "processing_engine": "1-1-1/ProcessingEngineRunFacet",
    "schema": "1-2-0/SchemaDatasetFacet",
    "version": "1-0-1/DatasetVersionDatasetFacet",
}
_OWN: Final[Mapping[str, str]] = {
    "backtalk_dataset": "BacktalkDatasetDatasetFacet",
    "backtalk_metrics": "BacktalkMetricsRunFacet",
    "backtalk_model": "BacktalkModelRunFacet",
    "backtalk_name": "BacktalkNameDatasetFacet",
    "backtalk_proposal": "BacktalkProposalRunFacet",
    "backtalk_recipe": "BacktalkRecipeJobFacet",
    "backtalk_record": "BacktalkRecordRunFacet",
    "backtalk_retirement": "BacktalkRetirementDatasetFacet",
}


def facet(key: str, /, **fields: Any) -> dict[str, Any]:
    """One facet under its key; fields that are None are left out."""
    said = {name: value for name, value in fields.items() if value is not None}
    return {key: {"_producer": PRODUCER, "_schemaURL": schema_url(key), **said}}


def schema_url(key: str) -> str:
    """The address of a facet's schema."""
    if key in _OWN:
        return f"{OWN}#/$defs/{_OWN[key]}"
    versioned = _STANDARD[key]
    return f"{_SPECIFICATION}/{versioned}.json#/$defs/{versioned.partition('/')[2]}"
