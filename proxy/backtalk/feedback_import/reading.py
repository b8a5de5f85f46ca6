"""Files of feedback as rows, one at a time, however large the file is.

In: a path. Out: rows with the line that a person would look at. The one rule: a row that cannot be read is a row with
its reason, and the rows behind it are read all the same.
"""

import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, NamedTuple, cast, get_args

from backtalk.errors import RequestError
from backtalk.ledger.arrow import Batches, rows_of

Format = Literal["csv", "jsonl", "parquet"]
LINE_BYTES: Final = 1 << 20
_PARQUET: Final = b"PAR1"
_BATCH_ROWS: Final = 1_000
_MORE: Final = "(more cells than columns)"


class Row(NamedTuple):
    """One row: its line (its number from 1, in Parquet), its fields, and why it could not be read, if so."""

    line: int
    fields: Mapping[str, Any]
    end_bytes: int
    """How much of the file was read with it; 0 where that is not known."""
    problem: str | None = None


def format_of(path: Path, named: str | None) -> Format:
    """The format by name, or by the file's ending; raises `RequestError` where neither is known."""
    ending = (named or path.suffix.removeprefix(".")).lower()
    known = {"ndjson": "jsonl", "pq": "parquet", **{name: name for name in get_args(Format)}}
    if ending not in known:
        message = f"{path.name} is not known by its ending; say --format csv, jsonl or parquet"
        raise RequestError(message, code="unknown_format")
    return cast("Format", known[ending])


def read(path: Path, kind: Format) -> Iterator[Row]:
    """The rows of a file; raises `RequestError` where it is no file of its format at all."""
    if kind == "parquet":
        yield from _parquet(path)
        return
    with path.open("rb") as file:
        yield from _csv(file, path) if kind == "csv" else _jsonl(file)


def columns(path: Path, kind: Format) -> Sequence[str] | None:
    """The columns that a file names before its rows; None of JSON lines, of which each names its own."""
    if kind == "jsonl":
        return None
    if kind == "csv":
        with path.open("rb") as file:
            return _header(csv.reader(_text(file)), path)
    import arro3.io  # noqa: PLC0415 -- 20 MB that only Parquet needs

    _check_parquet(path)
    try:
        return cast("Batches", arro3.io.read_parquet(path)).schema.names
    except (GeneratorExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # the reader's panics are no `Exception`
        raise _no_parquet(path, str(error)) from error


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines, of which none is longer than may be held; what is longer is cut, and refused where it is read."""
    while line := file.readline(LINE_BYTES + 1):
        if len(line) > LINE_BYTES and not line.endswith(b"\n"):
            while (rest := file.readline(LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
        yield line


def _jsonl(file: BinaryIO) -> Iterator[Row]:
    for number, line in enumerate(_lines(file), 1):
        if line.strip():
            yield _json_row(number, line, file.tell())


def _json_row(number: int, line: bytes, end: int) -> Row:
    if len(line) > LINE_BYTES:
        return Row(number, {}, end, f"the line is longer than {LINE_BYTES} bytes")
    try:
        value: object = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Row(number, {}, end, f"the line is not JSON: {error}")
    if not isinstance(value, dict):
        return Row(number, {}, end, "the line is not a JSON object")
    return Row(number, cast("dict[str, Any]", value), end)


def _header(rows: Iterator[list[str]], path: Path) -> list[str]:
    try:
        header = next(rows, None)
    except csv.Error as error:
        raise RequestError(f"the header line of {path.name} is not CSV: {error}", code="no_header") from error
    if header is None or not any(name.strip() for name in header):
        raise RequestError(f"{path.name} has no header line that names its columns", code="no_header")
    return [name.strip() for name in header]


def _csv(file: BinaryIO, path: Path) -> Iterator[Row]:
    rows = csv.reader(_text(file))
    names = _header(rows, path)
    while True:
        line = rows.line_num + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, {}, file.tell(), f"the line is not CSV: {error}")
        else:
            if cells:
                yield _csv_row(line, names, cells, file.tell())


def _text(file: BinaryIO) -> Iterator[str]:
    """Lines as text; bytes that are no UTF-8 stay what they are, and are refused with their row."""
    for number, line in enumerate(_lines(file)):
        yield line.decode("utf-8-sig" if number == 0 else "utf-8", "surrogateescape")


def _csv_row(line: int, names: Sequence[str], cells: Sequence[str], end: int) -> Row:
    if len(cells) > len(names):
        return Row(line, {_MORE: cells}, end, f"the row has {len(cells)} cells, the header {len(names)}")
    fields = {name: cell for name, cell in zip(names, cells, strict=False) if cell.strip()}
    if any(not cell.isascii() and max(cell) >= "\udc80" and _is_broken(cell) for cell in fields.values()):
        return Row(line, {}, end, "the row is not valid UTF-8")
    return Row(line, fields, end)


def _is_broken(text: str) -> bool:
    return any("\udc80" <= char <= "\udcff" for char in text)


def _parquet(path: Path) -> Iterator[Row]:
    import arro3.io  # noqa: PLC0415 -- 20 MB that only Parquet needs

    _check_parquet(path)
    try:
        for number, cells in enumerate(rows_of(arro3.io.read_parquet(path, batch_size=_BATCH_ROWS)), 1):
            yield Row(number, {name: value for name, value in cells.items() if value is not None}, 0)
    except (GeneratorExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # the reader's panics are no `Exception`
        raise _no_parquet(path, str(error)) from error


def _check_parquet(path: Path) -> None:
    with path.open("rb") as file:
        begin, size = file.read(len(_PARQUET)), file.seek(0, os.SEEK_END)
        file.seek(max(size - len(_PARQUET), 0))
        if begin != _PARQUET or file.read() != _PARQUET:
            raise _no_parquet(path, "it does not begin and end as one")


def _no_parquet(path: Path, why: str) -> RequestError:
    return RequestError(f"{path.name} is not a Parquet file that can be read: {why}", code="bad_file")
