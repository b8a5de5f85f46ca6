"""How conversion looks on a terminal: the document of `quality.conversion` comes in, a table goes out.

The one rule: a share stands with its interval and its count.
"""

from collections.abc import Mapping
from typing import Any, Final

from backtalk.commands.show import plain
from backtalk.commands.show_lineage import as_document, cells, instant, screen, table

_REASONS: Final = 3
"""So many exits of a kind are shown; `--json` has all."""


def conversion(found: Mapping[str, Any], *, as_json: bool = False) -> None:
    """Print every kind with the share that became rows, by age, and the main reasons of the rest."""
    if as_json:
        return as_document(found)
    console, total = screen(), found["total"]
    head = f"{total['converted']:,} of {total['count']:,} signals and feedback became rows, {share(total)}"
    console.print(plain(head, "bold"))
    period = f"{instant(found['since_ns'])} to {instant(found['until_ns'])} UTC"
    console.print(plain(f"{period}; {found['datasets']} datasets in use"))
    listed = table("what", "age", "count", "became rows", "share and 95% interval", "why not")
    for one in found["kinds"]:
        listed.add_row(*cells(f"{one['fact']} {one['kind']}", "", *_figures(one)))
        for age, part in one["ages"].items():
            listed.add_row(*cells("", age, *_figures(part)))
    return console.print(listed) if found["kinds"] else None


def share(one: Mapping[str, Any]) -> str:
    """A share and its interval, in percent."""
    if one["share"] is None:
        return "nothing is known"
    return f"{100 * one['share']:.1f}% ({100 * one['low']:.1f}-{100 * one['high']:.1f})"


def _figures(one: Mapping[str, Any]) -> tuple[str, str, str, str]:
    reasons = [exit_ for exit_ in one["exits"] if exit_["exit"] not in ("training", "evaluation")]
    told = ", ".join(f"{reason['count']:,} {reason['exit']}" for reason in reasons[:_REASONS])
    return f"{one['count']:,}", f"{one['converted']:,}", share(one), told
