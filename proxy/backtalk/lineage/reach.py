"""How far a fact has come: the rows, the runs and the names that hang on it.

In: what was recorded, and a trace, a feedback or a signal by its id. Out: a JSON-ready document. The one rule: it is
answered from the kept manifests alone, so also of facts that were erased since.
"""

from pathlib import Path
from typing import Any

from backtalk.ledger.reader import LedgerReader
from backtalk.lineage import manifests
from backtalk.lineage.catalogue import Catalogue, Entry
from backtalk.lineage.manifests import ManifestRow


def reached(data_dir: Path, catalogue: Catalogue, wanted: str) -> dict[str, Any]:
    """Everything that a trace's, a session's call's, a feedback's or a signal's id has come to."""
    facts = _facts_of(data_dir, wanted)
    found = [(entry, rows) for entry in catalogue.datasets if (rows := _rows(data_dir, entry, facts))]
    ids = {entry.built.dataset_id for entry, _ in found}
    return {
        "id": wanted,
        "datasets": [
            {"dataset_id": entry.built.dataset_id, "name": entry.built.name, "retired": entry.retired}
            | {"rows": [{"row": row.row, "split": row.split} for row in rows]}
            for entry, rows in found
        ],
        **users_of(catalogue, ids),
    }


def users_of(catalogue: Catalogue, dataset_ids: set[str]) -> dict[str, Any]:
    """The runs that used one of the datasets, proposals that stand on them, and the names that mean any of them now."""
    runs = [(record, run) for record, run in catalogue.runs if dataset_ids & set(run.dataset_ids)]
    meant = dataset_ids | {run.run_id for _, run in runs}
    refs = [name for name, (_, ref) in catalogue.refs.items() if meant & set(ref.target.values())]
    ids = {run.run_id for _, run in runs}
    proposals = [
        one
        for one in catalogue.proposals
        if ids & {one.made.training_run, one.made.candidate_run, one.made.current_run}
    ]
    return {
        "runs": [
            {"run_id": run.run_id, "name": run.name, "purpose": run.purpose, "registered_ns": record.at_ns}
            | {"artefact_uri": run.artefact_uri, "dataset_ids": sorted(dataset_ids & set(run.dataset_ids))}
            for record, run in runs
        ],
        "proposals": [
            {"proposal_id": one.made.proposal_id, "name": one.made.name, "state": one.state}
            | {"parts": dict(one.made.parts), "comparison": dict(one.made.comparison)}
            for one in proposals
        ],
        "refs": sorted(refs),
    }


def _facts_of(data_dir: Path, wanted: str) -> set[str]:
    """The id, and where it is a trace's, the feedback about its calls and the signals of them that are still there."""
    reader = LedgerReader(data_dir / "ledger")
    calls = reader.calls(trace_ids=[wanted])
    responses = [call["response_id"] for call in calls if call["response_id"]]
    said = reader.feedback(trace_ids=[wanted], response_ids=responses)
    tenants = {call["tenant"] for call in calls}
    feedback = {row["feedback_id"] for row in said if not tenants or row["tenant"] in tenants}
    signals = {row["signal_id"] for row in reader.signals(trace_ids=[wanted]) if row.get("signal_id")}
    return {wanted} | feedback | signals


def _rows(data_dir: Path, entry: Entry, facts: set[str]) -> list[ManifestRow]:
    rows = manifests.load(data_dir, entry.built).rows
    return [row for row in rows if facts & row.facts or any(call.trace_id in facts for call in row.calls)]
