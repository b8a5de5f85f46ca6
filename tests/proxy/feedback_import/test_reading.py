"""Files of feedback as rows."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from arro3.core import Array, DataType, Table
from arro3.io import write_parquet

from backtalk.errors import RequestError
from backtalk.feedback_import.reading import LINE_BYTES, Row, columns, format_of, read


def rows(path: Path, content: bytes) -> list[Row]:
    """What is read of a file with these bytes, by its ending."""
    path.write_bytes(content)
    return list(read(path, format_of(path, None)))


def fields(found: list[Row]) -> list[tuple[int, Any]]:
    """Lines with their fields, or with the reason why there are none."""
    return [(row.line, row.problem or dict(row.fields)) for row in found]


def test_csv_rows_have_the_line_that_an_editor_shows(tmp_path: Path) -> None:
    """A cell over several lines is at its first; an empty cell is none; a mark at the start of the file is no name."""
    content = b'\xef\xbb\xbftrace_id,comment\r\na,"two\nlines"\r\n\r\nb,\r\n'
    assert fields(rows(tmp_path / "f.csv", content)) == [
        (2, {"trace_id": "a", "comment": "two\nlines"}), (5, {"trace_id": "b"}),
    ]  # fmt: skip


def test_a_row_that_cannot_be_read_takes_no_other_with_it(tmp_path: Path) -> None:
    """Too many cells, bytes that are no text; the rows behind them are there."""
    content = b"trace_id,value\na,1,2\nb,\xff\nc,3\n"
    assert fields(rows(tmp_path / "f.csv", content)) == [
        (2, "the row has 3 cells, the header 2"),
        (3, "the row is not valid UTF-8"),
        (4, {"trace_id": "c", "value": "3"}),
    ]


def test_a_csv_field_without_end_is_bounded(tmp_path: Path) -> None:
    """An open quote does not read the rest of the file into memory as one cell, and what follows is read."""
    content = b'trace_id,comment\na,"' + b"x\n" * 200_000 + b"b,ok\n"
    found = rows(tmp_path / "f.csv", content)
    assert any("not CSV" in (row.problem or "") for row in found)
    assert found[-1].fields == {"trace_id": "b", "comment": "ok"}


@pytest.mark.parametrize("content", [b"", b"\n\n", b",,\n"])
def test_a_csv_file_without_a_header_is_refused(tmp_path: Path, content: bytes) -> None:
    """Its columns have no names to go by."""
    with pytest.raises(RequestError, match="no header line"):
        rows(tmp_path / "f.csv", content)


def test_json_lines_keep_their_types(tmp_path: Path) -> None:
    """Empty lines are none; what is no object has its reason."""
    content = b'{"value": false}\n\n[1]\n{"value": \n{"value": 2}'
    found = fields(rows(tmp_path / "f.jsonl", content))
    assert found[0] == (1, {"value": False})
    assert found[1] == (3, "the line is not a JSON object")
    assert found[2][0] == 4
    assert "not JSON" in found[2][1]
    assert found[3] == (5, {"value": 2})


def test_a_line_that_is_too_long_is_skipped_and_not_held(tmp_path: Path) -> None:
    """However long it is; the next line is read."""
    content = b'{"comment": "' + b"x" * (3 * LINE_BYTES) + b'"}\n{"value": 1}\n'
    found = fields(rows(tmp_path / "f.jsonl", content))
    assert found == [(1, f"the line is longer than {LINE_BYTES} bytes"), (2, {"value": 1})]


def test_a_header_that_is_no_csv_is_said(tmp_path: Path) -> None:
    """A cell without an end is the file's fault, not a crash."""
    with pytest.raises(RequestError, match="header line"):
        rows(tmp_path / "f.csv", b'trace_id,"' + b"x" * 200_000 + b'"\n')


def test_deep_json_is_a_refused_line(tmp_path: Path) -> None:
    """Not the end of the import."""
    found = rows(tmp_path / "f.jsonl", b"[" * 100_000 + b"\n{}\n")
    assert [row.problem is None for row in found] == [False, True]


def test_parquet_rows_have_values_of_their_types(tmp_path: Path) -> None:
    """Numbered from 1; a null is no field."""
    path = tmp_path / "f.parquet"
    at = datetime(2026, 11, 1, tzinfo=UTC)
    at_us = int(at.timestamp() * 1_000_000)
    table = Table(
        {
            "trace_id": Array(["a", "b"], type=DataType.utf8()),
            "value": Array([True, None], type=DataType.bool()),
            "at": Array([at_us, at_us], type=DataType.int64()).cast(DataType.timestamp("us", tz="UTC")),
        }
    )
    write_parquet(table, path)
    found = fields(list(read(path, "parquet")))
    assert found == [(1, {"trace_id": "a", "value": True, "at": at}), (2, {"trace_id": "b", "at": at})]


@pytest.mark.parametrize("content", [b"", b"trace_id\n", b"PAR1", b"PAR1" + b"x" * 50 + b"PAR1"])
def test_what_is_no_parquet_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    """As the file's fault, also where only its ends look like one."""
    with pytest.raises(RequestError, match="not a Parquet file"):
        rows(tmp_path / "f.parquet", content)


def test_columns_are_known_before_the_rows_where_the_format_names_them(tmp_path: Path) -> None:
    """A file of its format in name alone is refused here already."""
    (tmp_path / "f.csv").write_bytes(b"\xef\xbb\xbftrace_id, value \na,1\n")
    write_parquet(Table({"ticket": Array(["a"], type=DataType.utf8())}), tmp_path / "f.parquet")
    (tmp_path / "g.parquet").write_bytes(b"trace_id\n")
    assert columns(tmp_path / "f.csv", "csv") == ["trace_id", "value"]
    assert columns(tmp_path / "f.parquet", "parquet") == ["ticket"]
    assert columns(tmp_path / "f.jsonl", "jsonl") is None
    with pytest.raises(RequestError, match="not a Parquet file"):
        columns(tmp_path / "g.parquet", "parquet")


def test_a_format_is_known_by_name_or_ending() -> None:
    """And asked for otherwise."""
    assert format_of(Path("x.NDJSON"), None) == "jsonl"
    assert format_of(Path("x.txt"), "csv") == "csv"
    with pytest.raises(RequestError, match="--format csv, jsonl or parquet"):
        format_of(Path("x.txt"), None)
