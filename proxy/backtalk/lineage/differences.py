"""What changed between two datasets, and which facts made the difference. Pure.

In: two manifests. Out: a JSON-ready document. The one rule: a row is its content: the same content is the same row, and
rows of the same calls with other content are one row that changed.
"""

from collections.abc import Mapping
from typing import Any

from backtalk.lineage.manifests import Manifest, ManifestRow


def differences(before: Manifest, after: Manifest) -> dict[str, Any]:
    """Rows added, removed and changed, each with the facts behind it, and what else is different."""
    old, new = ({row.sha256: row for row in one.rows} for one in (before, after))
    gone = {name: row for name, row in old.items() if name not in new}
    come = {name: row for name, row in new.items() if name not in old}
    pairs = _pairs(gone, come)
    changed_old, changed_new = {row.sha256 for row, _ in pairs}, {row.sha256 for _, row in pairs}
    same = [(old[name], new[name]) for name in old if name in new]
    return {
        "added": [_told(row, _omissions(before)) for name, row in come.items() if name not in changed_new],
        "removed": [_told(row, _omissions(after)) for name, row in gone.items() if name not in changed_old],
        "changed": [_change(one, other) for one, other in pairs],
        "unchanged": len(same),
        "facts_changed": [_change(one, other) for one, other in same if one.facts != other.facts],
        "recipe": _parts(before.said_recipe, after.said_recipe),
        "tables": _parts(before.inputs.tables, after.inputs.tables),
        "code_version": _parts({"code": before.code_version}, {"code": after.code_version}),
    }


def _pairs(gone: Mapping[str, ManifestRow], come: Mapping[str, ManifestRow]) -> list[tuple[ManifestRow, ManifestRow]]:
    """Rows of the same calls, paired in their order."""
    by_calls: dict[frozenset[Any], list[ManifestRow]] = {}
    for row in come.values():
        by_calls.setdefault(frozenset(row.calls), []).append(row)
    return [
        (row, others.pop(0)) for row in gone.values() if row.calls and (others := by_calls.get(frozenset(row.calls)))
    ]


def _told(row: ManifestRow, omissions: Mapping[str, str]) -> dict[str, Any]:
    """A row that only one has, with the reason where the other's selection saw its facts and left them out."""
    reasons = {name: omissions[name] for name in sorted(row.facts) if name in omissions}
    return {"row": row.row, "sha256": row.sha256, **_facts(row), "left_out_there": reasons}


def _change(one: ManifestRow, other: ManifestRow) -> dict[str, Any]:
    return {
        "before": {"row": one.row, "sha256": one.sha256},
        "after": {"row": other.row, "sha256": other.sha256},
        "facts_added": sorted(other.facts - one.facts),
        "facts_removed": sorted(one.facts - other.facts),
    }


def _facts(row: ManifestRow) -> dict[str, Any]:
    return {
        "feedback_ids": list(row.feedback_ids),
        "signal_ids": list(row.signal_ids),
        "trace_ids": list(dict.fromkeys(call.trace_id for call in row.calls)),
    }


def _omissions(manifest: Manifest) -> dict[str, str]:
    return {one.feedback_id or one.signal_id or "": one.reason for one in manifest.left_out.facts}


def _parts(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    names = sorted({*before, *after})
    return {
        name: {"before": before.get(name), "after": after.get(name)}
        for name in names
        if before.get(name) != after.get(name)
    }
