"""What changed between two datasets, and which facts made the difference.

In: two manifests. Out: a JSON-ready document. The one rule: a row is its content: the same content is the same row, and
rows of the same calls with other content are one row that changed. Rows lie in a file while they are compared, so
neither memory nor the document grows with the datasets: counts are of all, lists of the first ones.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, Final

from backtalk.lineage.compared import COUNTED, Compared
from backtalk.lineage.manifests import Manifest, ManifestRow

LISTED: Final = 1_000
"""So many rows of each kind of difference are listed."""


def differences(before: Manifest, after: Manifest, *, listed: int = LISTED) -> dict[str, Any]:
    """Rows added, removed and changed, each with the facts behind it, and what else is different."""
    with closing(Compared(before.rows, after.rows)) as rows:
        counts = {name: rows.count(name) for name in COUNTED}
        added, removed = rows.alone("added", listed), rows.alone("removed", listed)
        changed, facts_changed = rows.pairs("changed", listed), rows.pairs("facts_changed", listed)
    return {
        "counts": counts,
        "added": _told(added, before),
        "removed": _told(removed, after),
        "changed": [_change(one, other) for one, other in changed],
        "unchanged": counts["unchanged"],
        "facts_changed": [_change(one, other) for one, other in facts_changed],
        "recipe": _parts(before.head.said_recipe, after.head.said_recipe),
        "tables": _parts(before.head.inputs.tables, after.head.inputs.tables),
        "code_version": _parts({"code": before.head.code_version}, {"code": after.head.code_version}),
    }


def _told(rows: Sequence[ManifestRow], other: Manifest) -> list[dict[str, Any]]:
    """Rows that only one has, with the reason where the other's selection saw a fact of theirs and left it out."""
    facts: frozenset[str] = frozenset[str]().union(*(row.facts for row in rows))
    named = ((one.feedback_id or one.signal_id or "", one.reason) for one in (other.left_out if facts else ()))
    reasons = {name: reason for name, reason in named if name in facts}
    return [
        {"row": row.row, "sha256": row.sha256, **_facts(row)}
        | {"left_out_there": {name: reasons[name] for name in sorted(row.facts) if name in reasons}}
        for row in rows
    ]


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


def _parts(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    names = sorted({*before, *after})
    return {
        name: {"before": before.get(name), "after": after.get(name)}
        for name in names
        if before.get(name) != after.get(name)
    }
