"""A built dataset for a person: what was written, where it leans, and what was left out.

In: a `Built`. Out: text.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from backtalk import clock
from backtalk.datasets.build import Built
from backtalk.datasets.manifest import FILE, beside

_SHOWN: Final = ("split", "tag", "label", "model", "language")


def report(built: Built) -> str:
    """What was built, in a few lines."""
    document = built.document
    many = document["row_count"]
    rules = _counts(document["balance"].get("rule", {}))
    what = f"{many} {document['kind']} {'row' if many == 1 else 'rows'}" + (f" ({rules})" if rules else "")
    manifest = built.folder / FILE if built.folder.is_dir() else beside(built.folder)
    lines = [f"{what} in {built.folder}, up to {_until(document['inputs']['newest_call_ns'])}"]
    balance = document["balance"]
    lines += [f"  by {name}: {_counts(balance[name])}" for name in _SHOWN if name in balance]
    lines += [f"  not in {name}: {_counts(reasons)}" for name, reasons in document["skipped"].items()]
    if built.left_out:
        lines.append(f"  left out: {_counts(built.left_out)}")
    lines.append(f"  the facts behind each row: {manifest}, {built.dataset_id}")
    return "\n".join(lines)


def _counts(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _until(newest_call_ns: int | None) -> str:
    if newest_call_ns is None:
        return "no call yet"
    return datetime.fromtimestamp(newest_call_ns / clock.NS_PER_S, UTC).strftime("the call of %F %T UTC")
