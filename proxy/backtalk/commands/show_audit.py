"""How an audit looks on a terminal: the document of `quality.audit` comes in, tables and sentences go out.

The one rule: a share stands with its interval below it and its count beside it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from backtalk.commands.show import plain

_KNOWN: Final = ("explicit", "implicit", "outcome", "gold", "session", "silent")
_STEPS: Final = 10
_ROWS: Final = 10
_OTHER_ROWS: Final = 5
"""So many segments of a group are shown; `--json` has more of them."""
_PROMPT_CHARS: Final = 12
_NOTHING: Final = (
    "No answers in this period. Point an app's base_url at Backtalk, let people use it for a day, and ask again."
)


def audit(document: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the whole document: shares by segment, kinds, feedback that found no call, and what to do next."""
    console = console or Console()
    total = document["total"]
    console.print(_head(document))
    if not total["calls"]:
        console.print(_NOTHING)
    else:
        console.print(_table(document))
        console.print(_kinds(document["kinds"]))
    console.print(_feedback(document["feedback"]))
    if document["next"]:
        console.print(Text("\nwhat to do next", style="bold"))
    for number, step in enumerate(document["next"][:_STEPS], 1):
        console.print(Text.assemble((f"{number}. ", "bold"), plain(step["finding"])))
        console.print(Text.assemble("   ", plain(step["action"])))


def _head(document: Mapping[str, Any]) -> Text:
    until = f"{_day(document['since_ns'])} to {_day(document['until_ns'])} UTC"
    others = ", ".join(f"{count:,} {api}" for api, count in document["other_calls"].items())
    beside = f"; not judged: {others}" if others else ""
    return Text.assemble((f"{document['total']['calls']:,} answers", "bold"), f", {until}", plain(beside))


def _table(document: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("of which", ratio=1, min_width=16, overflow="fold")
    table.add_column("calls", justify="right")
    for name in _KNOWN:
        table.add_column(name, justify="right", no_wrap=True)
    _add(table, "all", document["total"], style="bold")
    for group, found in document["segments"].items():
        if len(found["listed"]) > 1 or group == "model and endpoint":
            table.add_row(Text(f"by {group}", style="underline"))
            listed = found["listed"][: _ROWS if group == "model and endpoint" else _OTHER_ROWS]
            for segment in listed:
                _add(table, _name(group, segment), segment)
            if more := found["left_out"] + len(found["listed"]) - len(listed):
                table.add_row(Text(f"and {more:,} more", style="dim"))
    return table


def _add(table: Table, name: str, segment: Mapping[str, Any], style: str = "") -> None:
    shares = [Text(_share(segment[known]), justify="right") for known in _KNOWN]
    table.add_row(plain(name, style=style), f"{segment['calls']:,}", *shares)


def _name(group: str, segment: Mapping[str, Any]) -> str:
    if group == "model and endpoint":
        route = f" ({segment['route']})" if segment["route"] else ""
        return f"{segment['model'] or 'no model'} {segment['path']}{route}"
    if group == "system prompt":
        return str(segment["prompt"])[:_PROMPT_CHARS] or "none"
    named = (segment[name] for name in ("model", "route", "api", "stream", "tenant") if name in segment)
    return str(next(named, None) or "none")


def _share(share: Mapping[str, Any]) -> str:
    """The share, and its interval on a second line."""
    low, high = (100 * share[end] for end in ("low", "high"))
    return f"{100 * share['share']:.1f}%\n{low:.1f}-{high:.1f}"


def _kinds(kinds: Sequence[Mapping[str, Any]]) -> Text:
    seen = [f"{one['kind']} {one['calls']:,}" for one in sorted(kinds, key=lambda one: -one["calls"]) if one["calls"]]
    never = [one["kind"] for one in kinds if not one["calls"]]
    return Text.assemble(
        ("\nseen: ", "bold"), plain(", ".join(seen) or "nothing"), ("\nnever: ", "bold"), plain(", ".join(never) or "-")
    )


def _feedback(feedback: Mapping[str, Any]) -> Text:
    counts = ", ".join(f"{feedback[name]:,} {name}" for name in ("joined", "pending", "ambiguous", "rejected"))
    return Text.assemble(("\nfeedback: ", "bold"), counts, *_lost(feedback["never_joined"]))


def _lost(rows: Sequence[Mapping[str, Any]]) -> Iterator[Text]:
    for row in rows[:_STEPS]:
        yield plain(
            f"\n  {row['feedback']:,} {row['kind']} from {row['source']} by {row['key']}, {row['age']}: {row['status']}"
        )


def _day(wall_ns: int) -> str:
    return datetime.fromtimestamp(wall_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M")
