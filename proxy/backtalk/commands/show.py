"""How traces look on a terminal: documents of the admin API come in, tables go out."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

_FIXED: Final = {"time": 8, "trace id": 32, "session": 8}
"""Columns of the list that are as wide as what stands in them; a trace id is never cut, it is there to be copied."""
_SHARES: Final = {"model": 2, "signals": 2, "feedback": 1}
"""Columns that share what is left, by these parts."""
_COLUMNS: Final = ("time", "trace id", "model", "status", "session", "signals", "feedback")
_PIPED_WIDTH: Final = 200
"""What is not shown on a terminal is read by a program or kept in a file: there nothing is cut."""


def traces(document: dict[str, Any], console: Console | None = None) -> None:
    """Print the list of `GET /v1/traces`, one call a line."""
    console = console or Console()
    if not console.is_terminal:
        console.width = max(console.width, _PIPED_WIDTH)
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), expand=True)
    for name in _COLUMNS:
        width, least = _FIXED.get(name), len(name)
        table.add_column(
            name, overflow="ellipsis", no_wrap=True, min_width=width or least, width=width, ratio=_SHARES.get(name)
        )
    for call in document.get("calls", []):
        table.add_row(
            _time(call.get("opened_ns")),
            plain(call.get("trace_id", "")),
            plain(call.get("model") or call.get("path") or ""),
            plain(_ending(call)),
            plain(str(call.get("session_id") or "")[:8]),
            plain(", ".join(signal["kind"] for signal in call.get("signals", []))),
            plain(", ".join(one["kind"] for one in call.get("feedback", []))),
        )
    console.print(table if document.get("calls") else "No calls yet. Point an app's base_url here and make one.")


def trace(document: dict[str, Any], console: Console | None = None) -> None:
    """Print one trace document as a tree: calls, then what was noticed and said of each."""
    console = console or Console()
    tree = Tree(plain(f"trace {document.get('trace_id', '')}", style="bold"))
    for call in document.get("calls", []):
        branch = tree.add(plain(f"{call.get('span_id', '')}  {call.get('model') or call.get('path')}  {_ending(call)}"))
        for attempt in call.get("attempts") or ():
            branch.add(plain(f"tried {attempt['target']}: {attempt.get('error') or attempt.get('status')}"))
        if call.get("erased_ns"):
            branch.add(plain("erased: no words are kept", style="dim"))
        if call.get("cache"):
            branch.add(plain(f"cache {call['cache']}"))
        if call.get("cost_usd") is not None:
            branch.add(plain(f"cost {call['cost_usd']:.6f} USD"))
        link: dict[str, Any] = call.get("session") or {}
        if link:
            branch.add(plain(f"session {link.get('session_id', '')} ({link.get('rule', '')})"))
        for signal in call.get("signals", []):
            branch.add(plain(f"signal {signal['kind']}  p={signal['probability']:.2f}", style="yellow"))
        others = [one for one in call.get("shows", []) if one["about"]["span_id"] != call.get("span_id")]
        for shown in others:
            branch.add(plain(f"shows {shown['kind']} of {shown['about']['span_id']}", style="dim"))
        for one in call.get("feedback", []):
            branch.add(plain(f"feedback {said(one)}", style="cyan"))
    console.print(tree)


def plain(said: object, style: str = "") -> Text:
    """A text as it is: no markup, and nothing that a terminal would obey; most of it was written by strangers."""
    text = "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in str(said))
    return Text(text, style=style)


def said(one: dict[str, Any]) -> str:
    """A feedback in a line: what was said, the words beside it, and why it does not count, where it does not."""
    words = f"{one['kind']}: {_value(one)}"
    if one["kind"] == "rating":
        words = "thumb up" if one.get("value") else "thumb down"
    named = f" ({one['metric']})" if one.get("metric") else ""
    beside = f", {one['comment']}" if one.get("comment") else ""
    status = one.get("status", "counts")
    why = f" [{status}{': ' + one['message'] if one.get('message') else ''}]" if status != "counts" else ""
    return f"{words}{named}{beside}{why}"


def _value(one: dict[str, Any]) -> str:
    """A text as it is, all else as JSON; a score with its range; null as what it means."""
    value = one.get("value")
    if value is None:
        return "erased" if one.get("erased_ns") else "not known"
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    low, high = one.get("range_low"), one.get("range_high")
    return said if low is None or high is None else f"{said} of {low:g} to {high:g}"


def _ending(call: dict[str, Any]) -> str:
    outcome = call.get("outcome") or "open"
    return str(call.get("status")) if outcome == "completed" else str(outcome)


def _time(wall_ns: int | None) -> str:
    return "" if wall_ns is None else datetime.fromtimestamp(wall_ns / 1e9, UTC).astimezone().strftime("%H:%M:%S")
