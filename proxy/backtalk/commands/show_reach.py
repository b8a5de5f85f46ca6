"""How runs, rows and their reasons look on a terminal: documents come in, tables and trees go out.

The one rule: with `as_json` the document itself is printed, and nothing else.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.tree import Tree

from backtalk.commands.show import plain
from backtalk.commands.show_lineage import as_document, cells, instant, screen, table

Document = Mapping[str, Any]
_TEXT_CHARS: Final = 200
_SHOWN: Final = 20
"""So many rows of a difference are listed; `--json` has a thousand of each kind."""


def runs(found: Sequence[Document], *, as_json: bool = False) -> None:
    """Print runs, one a line."""
    if as_json:
        return as_document(found)
    listed = table("id", "name", "purpose", "datasets", "registered", "by", "artefact")
    for one in found:
        listed.add_row(
            *cells(one["run_id"], one["name"], one["purpose"], ", ".join(one["dataset_ids"])),
            *cells(instant(one["registered_ns"]), one["actor"], one["artefact_uri"] or ""),
        )
    return screen().print(listed if found else "No run is registered: `backtalk run register` does it.")


def run(found: Document, *, as_json: bool = False) -> None:
    """Print one run, a line for each thing known of it."""
    if as_json:
        return as_document(found)
    console = screen()
    console.print(plain(f"{found['name']}  {found['run_id']}  {found['purpose']}", "bold"))
    console.print(plain(f"registered {instant(found['registered_ns'])} by {found['actor']}, record {found['number']}"))
    for name in ("base_model", "trainer", "artefact_uri", "artefact_sha256"):
        if found[name]:
            console.print(plain(f"{name} {found[name]}"))
    console.print(plain(f"config {json.dumps(found['config'], ensure_ascii=False)}"))
    console.print(plain("metrics " + ", ".join(f"{name} {value:g}" for name, value in found["metrics"].items())))
    for one in found["datasets"]:
        console.print(plain(f"dataset {one['dataset_id']}  {one['name']}  {one['rows']} {one['format']} rows"))
    return None


def why(found: Document, *, as_json: bool = False) -> None:
    """Print a row's reasons as a tree: dataset, calls, what was noticed and said of each."""
    if as_json:
        return as_document(found)
    row, dataset = found["row"], found["dataset"]
    head = f"row {row['row']} of {dataset['name']} ({dataset['dataset_id']})  sha256 {row['sha256'][:16]}"
    tree = Tree(plain(head, "bold"))
    for call in found["calls"]:
        branch = tree.add(plain(_call(call)))
        for line in (*_texts(call), *map(_signal, call["signals"]), *map(_said, call["feedback"])):
            branch.add(plain(line))
    for one in found["of_no_call"]:
        tree.add(plain(_said(one) if "feedback_id" in one else _signal(one)))
    for name in found["not_found"]:
        tree.add(plain(f"{name}: not in the ledger any more, or withdrawn"))
    _users(tree, found)
    return screen().print(tree)


def reached(found: Document, *, as_json: bool = False) -> None:
    """Print what a fact has come to as a tree."""
    if as_json:
        return as_document(found)
    tree = Tree(plain(found["id"], "bold"))
    for one in found["datasets"]:
        retired = f", retired: {one['retired']}" if one["retired"] else ""
        rows = ", ".join(str(row["row"]) for row in one["rows"][:_SHOWN])
        tree.add(plain(f"dataset {one['name']} ({one['dataset_id']}{retired}): {len(one['rows'])} rows: {rows}"))
    if not found["datasets"]:
        tree.add("in no dataset")
    _users(tree, found)
    return screen().print(tree)


def differences(found: Document, *, as_json: bool = False) -> None:
    """Print what differs between two datasets."""
    if as_json:
        return as_document(found)
    console = screen()
    counts = {name: found["counts"][name] for name in ("added", "removed", "changed", "facts_changed")}
    console.print(plain(f"{found['before']['dataset_id']} -> {found['after']['dataset_id']}", "bold"))
    console.print(plain(", ".join(f"{count} {name}" for name, count in counts.items()), "bold"))
    console.print(plain(f"{found['unchanged']} rows stand in both"))
    for name in ("recipe", "tables", "code_version"):
        for part, values in found[name].items():
            console.print(plain(f"{name} {part}: {json.dumps(values['before'])} -> {json.dumps(values['after'])}"))
    for name, mark in (("added", "+"), ("removed", "-")):
        for one in found[name][:_SHOWN]:
            facts = ", ".join((*one["feedback_ids"], *one["signal_ids"]))
            reasons = "".join(f"; {fact} was left out there: {why}" for fact, why in one["left_out_there"].items())
            console.print(plain(f"{mark} row {one['row']}: {facts}{reasons}"))
    for one in (*found["changed"], *found["facts_changed"])[:_SHOWN]:
        changes = [f"+{name}" for name in one["facts_added"]] + [f"-{name}" for name in one["facts_removed"]]
        how = ", ".join(changes) or "the same facts, made into another row"
        console.print(plain(f"~ row {one['before']['row']} -> {one['after']['row']}: {how}"))
    return None


def _users(tree: Tree, found: Document) -> None:
    for one in found["runs"]:
        artefact = f" -> {one['artefact_uri']}" if one["artefact_uri"] else ""
        tree.add(plain(f"{one['purpose']} run {one['name']} ({one['run_id']}){artefact}"))
    for one in found["proposals"]:
        parts = ", ".join(f"{part}={value}" for part, value in one["parts"].items())
        tree.add(plain(f"proposal {one['proposal_id']} that {one['name']!r} means {parts}: {one['state']}"))
    for name in found["refs"]:
        tree.add(plain(f"named by {name!r}"))


def _call(call: Document) -> str:
    key = f"call {call['trace_id']}-{call['span_id']}"
    if not call["known"]:
        return f"{key}: not in the ledger any more"
    erased = ", texts erased" if call["erased"] else ""
    return f"{key}  {call.get('model') or call.get('api')}  {instant(call.get('opened_ns'))}{erased}"


def _texts(call: Document) -> Iterator[str]:
    for name in ("asked", "answers"):
        for message in call.get(name, ()):
            if message["text"] is not None:
                yield f"{message['role']}: {message['text'][:_TEXT_CHARS]}"


def _signal(one: Document) -> str:
    by = f"{one.get('detector', '')} {one.get('detector_version', '')}".strip()
    return f"signal {one['kind']} {one.get('probability', 1.0):.2f} by {by}  {one['signal_id']}"


def _said(one: Document) -> str:
    who = one.get("rater") or one.get("key_id") or "nobody named"
    value = json.dumps(one["value"], ensure_ascii=False)[:_TEXT_CHARS]
    comment = f" ({one['comment'][:_TEXT_CHARS]})" if one.get("comment") else ""
    source = one.get("source") or "a client"
    return f"feedback {one['kind']} {value}{comment} by {who}, {source}: {one['state']}  {one['feedback_id']}"
