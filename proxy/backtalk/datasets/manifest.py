"""The manifest of a dataset: what it was made from, so that it can be proven and made again.

In: the pairs, table versions and parameters. Out: a JSON document. It names every contributing fact by row, and every
fact that was left out with its reason; the hash of each row and of the file says that nothing has changed since.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from backtalk.datasets.dpo import Pair, Pairs

FORMAT: Final = 1
"""The version of the manifest's own shape."""
SELECTION: Final = "dpo-2"
"""The version of the rules that select and shape; it changes whenever the same ledger would give another file."""


def content_of(made: Pairs) -> bytes:
    """The dataset's file: one JSON object a line."""
    return "".join(f"{pair.line}\n" for pair in made.pairs).encode()


def manifest(
    made: Pairs,
    *,
    file_name: str,
    tables: Mapping[str, int],
    parameters: Mapping[str, Any],
    code_version: str,
    newest_call_ns: int | None,
    created_ns: int,
) -> dict[str, Any]:
    """The document; only `created_ns` differs between two builds from the same versions."""
    content = content_of(made)
    return {
        "format": FORMAT,
        "kind": "dpo",
        "selection": SELECTION,
        "parameters": dict(parameters),
        "code_version": code_version,
        "created_ns": created_ns,
        "inputs": {"tables": dict(tables), "newest_call_ns": newest_call_ns},
        "file": {
            "name": file_name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_bytes": len(content),
            "rows": len(made.pairs),
        },
        "rows": [_row(number, pair) for number, pair in enumerate(made.pairs)],
        "left_out": {
            "count_by_reason": dict(sorted(Counter(one.reason for one in made.left_out).items())),
            "facts": [{f"{one.fact}_id": one.id, "reason": one.reason} for one in made.left_out],
        },
    }


def _row(number: int, pair: Pair) -> dict[str, Any]:
    return {
        "row": number,
        "sha256": hashlib.sha256(pair.line.encode()).hexdigest(),
        "feedback_ids": list(pair.feedback_ids),
        "signal_ids": list(pair.signal_ids),
        "calls": [{"trace_id": key.trace_id, "span_id": key.span_id} for key in pair.calls],
    }
