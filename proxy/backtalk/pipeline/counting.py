"""Counts what is in a built dataset, independently of what built it.

In: the folders of a training and of an evaluation dataset, and the ledger. Out: `Contents`. The one rule: whose a row
is says the ledger, by the calls that the manifest names; what the ledger does not know any more is nobody's.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from backtalk.datasets.manifest import broken_files
from backtalk.ledger.reader import LedgerReader
from backtalk.lineage import manifests
from backtalk.lineage.manifest_file import Part, parts
from backtalk.lineage.manifests import Call, Manifest, ManifestRow
from backtalk.model.ids import CallKey, SpanId, TraceId
from backtalk.pipeline.validation import Contents

_PART: Final = 500


def contents(ledger_root: Path, training: Path, evaluation: Path) -> Contents:
    """Count; raises `RequestError` where one of the two is no dataset."""
    taught, asked = Manifest(manifests.find(training)), Manifest(manifests.find(evaluation))
    examined, evaluation_rows = set[Call](), 0
    for row in asked.rows:
        examined.update(row.calls)
        evaluation_rows += 1
    rows: Counter[str] = Counter()
    owners: Counter[str] = Counter()
    splits: defaultdict[str, set[str]] = defaultdict(set)
    shared = 0
    for row, found in _owned(LedgerReader(ledger_root), taught.rows):
        split = row.split or "all"
        rows[split] += 1
        shared += bool(examined.intersection(row.calls))
        for owner in found:
            owners[owner] += 1
            splits[owner].add(split)
    return Contents(
        rows=rows.total(),
        by_split=_by_split(taught, rows),
        by_owner=owners,
        **_balance(training),
        owners_in_several_splits=sum(len(found) > 1 for found in splits.values()),
        shared_with_evaluation=shared,
        evaluation_rows=evaluation_rows,
        broken=broken_files(training) if training.is_dir() else (),
        malformed=list(_malformed(training, taught)),
    )


def _balance(training: Path) -> dict[str, dict[str, int]]:
    """Rows by model and by rule, as the build counted them."""
    _, content = next(iter(parts(manifests.find(training), Part.HEAD)))
    found: dict[str, dict[str, int]] = json.loads(content).get("balance", {})
    return {f"by_{name}": found.get(name, {}) for name in ("model", "rule")}


def _by_split(manifest: Manifest, counts: Counter[str]) -> dict[str, int]:
    """Rows by split, those of the recipe that got none among them."""
    shares: dict[str, float] = manifest.head.recipe.get("shares", {})
    return {name: counts[name] for name in dict.fromkeys((*shares, *sorted(counts)))}


def _owned(reader: LedgerReader, rows: Iterator[ManifestRow]) -> Iterator[tuple[ManifestRow, set[str]]]:
    """Each row with every user or session that it is of."""
    while part := list(islice(rows, _PART)):
        keys = {CallKey(TraceId(call.trace_id), SpanId(call.span_id)) for row in part for call in row.calls}
        known = reader.calls_of(keys)
        for row in part:
            found = (known.get(CallKey(TraceId(call.trace_id), SpanId(call.span_id))) for call in row.calls)
            yield row, {_owner(call) for call in found if call is not None}


def _owner(call: dict[str, Any]) -> str:
    named = f"user {call['user']}" if call.get("user") else f"session {call['session_id'] or call['trace_id']}"
    return f"{call['tenant']} {named}"


def _malformed(folder: Path, manifest: Manifest) -> Iterator[str]:
    for file in manifest.head.all_files:
        if file.path.endswith(".jsonl") and not _has_rows(folder / file.path, file.rows):
            yield file.path


def _has_rows(path: Path, rows: int | None) -> bool:
    count = 0
    try:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if not isinstance(json.loads(line), dict):
                    return False
                count += 1
    except (OSError, ValueError):
        return False
    return rows is None or rows == count
