"""Files as they stream by."""

import hashlib
import json
from pathlib import Path

from backtalk.datasets.output import PART_CHARS, PART_ROWS, Lines, Parts, sync_folders
from backtalk.testing.samples import parquet_columns


def test_lines_know_their_hash_and_size(tmp_path: Path) -> None:
    """Compact JSON, not escaped, one object a line."""
    lines = Lines(tmp_path, "a/b.jsonl")
    lines.add({"text": "größe"})
    entry = lines.close()

    content = (tmp_path / "a" / "b.jsonl").read_bytes()
    assert content == '{"text":"größe"}\n'.encode()
    assert entry == ("a/b.jsonl", hashlib.sha256(content).hexdigest(), len(content), 1)


def test_parts_hold_so_many_rows_and_no_more(tmp_path: Path) -> None:
    """Memory is bounded by one part; the same rows give the same bytes."""
    for folder in ("x", "y"):
        parts = Parts(tmp_path / folder)
        for number in range(PART_ROWS + 1):
            parts.add({"row": number, "split": "train", "trace_ids": [f"{number:032x}"]})
        assert [entry.rows for entry in parts.close()] == [PART_ROWS, 1]
        sync_folders(tmp_path / folder)

    first, second = ((tmp_path / folder / "rows" / "part-00001.parquet") for folder in ("x", "y"))
    assert first.read_bytes() == second.read_bytes()
    assert parquet_columns(first)["row"] == [PART_ROWS]


def test_long_rows_fill_a_part_sooner(tmp_path: Path) -> None:
    """Memory is bounded by texts too."""
    parts = Parts(tmp_path)
    for number in range(3):
        parts.add({"row": number, "prompt": "p" * (PART_CHARS // 2)})
    assert [entry.rows for entry in parts.close()] == [2, 1]


def test_empty_dataset_has_its_columns(tmp_path: Path) -> None:
    """A reader finds what there would be."""
    (entry,) = Parts(tmp_path).close()
    assert "feedback_ids" in parquet_columns(tmp_path / entry.name)


def test_a_line_ends_where_every_reader_thinks_so(tmp_path: Path) -> None:
    """What Python and JavaScript take for ends of lines is written as a number."""
    text = "a\u2028b\u2029c\x85d\r\n\x0b\x0c\x1c"
    lines = Lines(tmp_path, "a.jsonl")
    lines.add({"text": text})
    lines.close()
    (line,) = (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {"text": text}
