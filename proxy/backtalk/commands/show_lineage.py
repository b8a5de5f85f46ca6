"""How lineage looks on a terminal: documents come in, lines, tables and trees go out.

The one rule: with `as_json` the document itself is printed, and nothing else.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from backtalk.commands.show import plain

Document = Mapping[str, Any]


def verdict(found: Document, *, as_json: bool = False) -> None:
    """Print what a check found."""
    if as_json:
        return as_document(found)
    console = screen()
    for finding in found["findings"]:
        console.print(plain(f"CHANGED  {finding}", style="bold red"))
    for replaced in found["replaced"]:
        console.print(plain(f"replaced {replaced}", style="dim"))
    console.print(plain(f"{found['records']} records and {found['files']} files checked; head {found['head']}"))
    return None


def log(records: Sequence[Document], *, as_json: bool = False) -> None:
    """Print every record, one a line."""
    if as_json:
        return as_document(records)
    listed = table("number", "time", "who", "what", "of", "reason")
    for record in records:
        body = record["body"]
        name = body.get("name") or body.get("dataset_id", "")
        listed.add_row(
            *cells(record["number"], instant(record["at_ns"]), record["actor"]),
            *cells(body["type"], name, body.get("reason", "")),
        )
    return screen().print(listed if records else "Nothing was built, run or named yet.")


def datasets(found: Sequence[Document], *, as_json: bool = False) -> None:
    """Print datasets, one a line."""
    if as_json:
        return as_document(found)
    listed = table("id", "name", "format", "rows", "built", "by", "retired")
    for one in found:
        listed.add_row(
            *cells(one["dataset_id"], one["name"], one["format"], one["rows"]),
            *cells(instant(one["built_ns"]), one["actor"], one["retired"] or ""),
        )
    return screen().print(listed if found else "No dataset is registered: build one with `backtalk dataset build`.")


def dataset(found: Document, *, as_json: bool = False) -> None:
    """Print one dataset, a line for each thing known of it."""
    if as_json:
        return as_document(found)
    console = screen()
    console.print(plain(f"{found['name']}  {found['dataset_id']}  {found['rows']} {found['format']} rows", "bold"))
    console.print(plain(f"built {instant(found['built_ns'])} by {found['actor']}, code {found['code_version']}"))
    if found["retired"] is not None:
        console.print(plain(f"retired: {found['retired']}", "bold"))
    if found["erased_rows"]:
        console.print(plain(f"{found['erased_rows']} rows of manifest {found['previous']} were erased"))
    console.print(plain(f"recipe {json.dumps(found['recipe'], ensure_ascii=False)}"))
    console.print(plain("tables " + ", ".join(f"{name} {version}" for name, version in found["tables"].items())))
    for file in found["files"]:
        console.print(plain(f"file {file['path']}  sha256 {file['sha256']}"))
    console.print(plain(f"manifest {found['manifest']}  sha256 {found['manifest_sha256']}"))
    for reason, count in found["left_out"].items():
        console.print(plain(f"left out: {count} {reason}"))
    return None


def refs(found: Sequence[Document], *, as_json: bool = False) -> None:
    """Print what names mean, one a line."""
    if as_json:
        return as_document(found)
    listed = table("record", "name", "means", "time", "by", "reason")
    for one in found:
        parts = ", ".join(f"{part}={value}" for part, value in one["target"].items())
        back = f" (as in record {one['rolled_back_to']})" if one["rolled_back_to"] else ""
        listed.add_row(
            *cells(one["number"], one["name"], parts + back, instant(one["at_ns"]), one["actor"], one["reason"])
        )
    console = screen()
    console.print(listed if found else "No name was set: `backtalk ref set` does it.")
    erased = {dataset_id: after for one in found for dataset_id, after in one["erased"].items()}
    for dataset_id, after in erased.items():
        console.print(plain(f"{dataset_id} was erased, replaced by {after['replaced_by']}"))
    return None


def as_document(found: object) -> None:
    """Print JSON."""
    print(json.dumps(found, indent=2, ensure_ascii=False))  # noqa: T201 -- what the command is for


def screen() -> Console:
    """The terminal; what is piped is not cut."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 200)
    return console


def instant(wall_ns: int | None) -> str:
    """An instant as people read it."""
    return "" if wall_ns is None else datetime.fromtimestamp(wall_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")


def table(*names: str) -> Table:
    """An empty table with these columns."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in names:
        made.add_column(name, overflow="fold")
    return made


def cells(*values: object) -> list[Text]:
    """Values as they stand in a table's row."""
    return [plain(str(value)) for value in values]
