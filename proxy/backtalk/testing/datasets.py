"""Datasets for tests: rows with the facts behind them go in, a file and its manifest come out, as of a build."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backtalk.model.ids import CallKey


def a_row(text: str, *calls: CallKey, feedback: Sequence[str] = (), signals: Sequence[str] = ()) -> dict[str, Any]:
    """A row and the facts that made it."""
    named = [{"trace_id": call.trace_id, "span_id": call.span_id} for call in calls]
    return {"text": text, "feedback_ids": list(feedback), "signal_ids": list(signals), "calls": named}


def write_dataset(
    directory: Path,
    name: str,
    rows: Sequence[Mapping[str, Any]],
    /,
    *,
    left_out: Sequence[Mapping[str, str]] = (),
    tables: Mapping[str, int] | None = None,
    **fields: Any,
) -> Path:
    """Write the dataset; gives the path of its manifest."""
    lines = [json.dumps({"text": row["text"]}) for row in rows]
    content = "".join(f"{line}\n" for line in lines).encode()
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.jsonl").write_bytes(content)
    document = {
        "format": 1, "kind": "dpo", "selection": "dpo-2", "parameters": {}, "code_version": "0.1.0", "created_ns": 1,
        "inputs": {"tables": dict(tables or {"feedback": 1}), "newest_call_ns": 1},
        "file": {"name": f"{name}.jsonl", "sha256": hashlib.sha256(content).hexdigest(), "rows": len(rows)},
        "rows": [
            {"row": number, "sha256": hashlib.sha256(line.encode()).hexdigest()}
            | {key: value for key, value in row.items() if key != "text"}
            for number, (line, row) in enumerate(zip(lines, rows, strict=True))
        ],
        "left_out": {"facts": list(left_out)},
    }  # fmt: skip
    manifest = directory / f"{name}.jsonl.manifest.json"
    manifest.write_text(json.dumps(document | fields), encoding="utf-8")
    return manifest
