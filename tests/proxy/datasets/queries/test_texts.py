"""The messages that each chunk needs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backtalk.datasets.queries.scope import CHUNK_CALLS
from backtalk.ledger.schema import Row, TableName
from backtalk.testing.ledgers import write_rows
from backtalk.testing.selections import selected

DAY = "2026-01-01"


def message(name: str, seen_ns: int, text: str) -> dict[str, Any]:
    """A message's row."""
    return {"dt": DAY, "message_id": name, "first_seen_ns": seen_ns, "json": text, "char_count": len(text)}


def test_a_chunk_has_each_message_once(tmp_path: Path) -> None:
    """Of one that was written again the first row; what nobody asked for does not come."""
    calls = [
        {"dt": DAY, "trace_id": f"t{number}", "span_id": "s", "opened_ns": number, "tenant": "a", "tools_id": "tools",
         "message_ids": ["system", f"asked-{number}", "lost"], "answer_ids": ["answer"]}
        for number in range(CHUNK_CALLS + 1)
    ]  # fmt: skip
    said = [
        {"dt": DAY, "feedback_id": f"f{number}", "kind": "rating", "trace_id": f"t{number}", "tenant": "a",
         "given_ns": 1}
        for number in range(CHUNK_CALLS + 1)
    ]  # fmt: skip
    asked = [message(f"asked-{number}", number, "") for number in range(CHUNK_CALLS + 1)]
    others = [message("system", 2, "two"), message("system", 1, "one"), message("tools", 1, "t"), message("x", 1, "x")]
    rows: dict[TableName, Sequence[Row]] = {
        "calls": calls,
        "feedback": said,
        "messages": [*asked, *others, message("answer", 5, "a")],
    }

    with selected(write_rows(tmp_path, rows)) as selection:
        chunks = [{row["message_id"]: row["json"] for row in chunk.texts} for chunk in selection.chunks()]
        counts = [len(found) for found in chunks]

    assert counts == [CHUNK_CALLS + 3, 4]
    assert chunks[1] == {"system": "one", f"asked-{CHUNK_CALLS}": "", "tools": "t", "answer": "a"}
