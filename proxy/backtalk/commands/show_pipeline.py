"""How pipelines look on a terminal: verdicts and runs come in, lines and tables go out.

The one rule: with `as_json` the document itself is printed, and nothing else.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from backtalk.commands.show import plain
from backtalk.commands.show_lineage import as_document, cells, instant, screen, table

if TYPE_CHECKING:
    from backtalk.pipeline.running import Done

Document = Mapping[str, Any]


def verdict(found: Document, *, as_json: bool = False) -> None:
    """Print every gate."""
    if as_json:
        return as_document(found)
    console = screen()
    for gate in found["gates"]:
        console.print(plain(f"{'open  ' if gate['open'] else 'closed'}  {gate['gate']}: {gate['sentence']}"))
    console.print(plain("a run would begin" if found["fires"] else "no run would begin", "bold"))
    return None


def done(found: "Done") -> None:
    """Print what came of `backtalk pipeline run`."""
    console = screen()
    if found.state is None:
        if found.verdict is not None:
            verdict(found.verdict.document)
        return
    message = found.state.ended.message if found.state.ended else ""
    console.print(plain(f"run {found.state.run_id}: {found.state.state(at_work=False)}", "bold"))
    if message:
        console.print(plain(message))


def runs(found: Sequence[Document], *, as_json: bool = False) -> None:
    """Print runs, one a line."""
    if as_json:
        return as_document(found)
    listed = table("run", "pipeline", "state", "began", "by", "facts", "why, and what came of it")
    for one in found:
        listed.add_row(
            *cells(one["run_id"], one["pipeline"], _state(one), instant(one["began_ns"]), one["actor"]),
            *cells(one["new_facts"], one["message"] or one["why"]),
        )
    return screen().print(listed if found else "No pipeline has run: `backtalk pipeline run` begins one.")


def run(found: Document, *, as_json: bool = False) -> None:
    """Print one run, a line for each step."""
    if as_json:
        return as_document(found)
    console = screen()
    console.print(plain(f"{found['pipeline']}  {found['run_id']}  {_state(found)}", "bold"))
    console.print(plain(f"began {instant(found['began_ns'])} by {found['actor']}: {found['why']}"))
    if found["message"]:
        console.print(plain(found["message"]))
    for name, outputs in found["steps"].items():
        told = {part: value for part, value in outputs.items() if part != "checks"}
        console.print(plain(f"{name:<20}{json.dumps(told, ensure_ascii=False)}"))
        for one in outputs.get("checks", ()):
            console.print(plain(f"  {'ok  ' if one['holds'] else 'FAIL'} {one['name']}: {one['sentence']}"))
    if found["step"]:
        console.print(plain(f"{found['step']:<20}not done, attempt {found['attempts'][found['step']]}"))
    console.print(plain(f"folder {found['folder']}{' (pruned)' if found['pruned'] else ''}"))
    return None


def _state(one: Document) -> str:
    """The run's state; where it proposed something, what became of that."""
    made = one["proposal"]
    return str(one["state"]) if made is None or made["state"] == "open" else str(made["state"])
