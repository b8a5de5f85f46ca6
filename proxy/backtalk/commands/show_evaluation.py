"""An evaluation for a person: scores with intervals, and two of them side by side.

In: scores or a comparison. Out: a table, or JSON.
"""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from backtalk.commands.show_lineage import cells, screen, table

if TYPE_CHECKING:
    from backtalk.evaluation.comparison import Comparison
    from backtalk.evaluation.scores import Scores


@contextmanager
def progress() -> Generator[Callable[[int, int], None]]:
    """A bar that moves with the cases that are done; nothing where nobody looks."""
    shown = Console(stderr=True)
    with Progress(console=shown, transient=True, disable=not shown.is_terminal) as bar:
        task = bar.add_task("cases", total=None)

        def told(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield told


def scores(found: "Scores", folder: Path, *, as_json: bool) -> None:
    """What each scorer says, with its 95% interval."""
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    listed = table("scorer", "mean", "95%", "cases", "groups", "unparsable")
    for name, one in found.scorers.items():
        listed.add_row(*cells(name, _number(one.mean), _interval(one.interval), one.n, one.groups, one.unparsable))
    screen().print(listed)
    errors = f", {found.errors} without an answer: say the same again to ask only them" if found.errors else ""
    click.echo(f"{found.model} on {found.dataset_name} ({found.dataset_id}): {len(found.cases)} cases{errors}")
    click.echo(f"  {folder / 'scores.json'}")


def comparison(found: "Comparison", *, as_json: bool) -> None:
    """Each scorer's difference on the same cases."""
    if as_json:
        verdicts = {name: one.verdict for name, one in found.scorers.items()}
        click.echo(json.dumps({**msgspec.to_builtins(found), "verdicts": verdicts}))
        return
    listed = table("scorer", "current", "candidate", "difference", "95%", "won", "lost", "tied", "p", "")
    for name, one in found.scorers.items():
        values = (_number(one.current), _number(one.candidate), _number(one.difference, "+.3f"))
        counts = (one.wins, one.losses, one.ties, f"{one.p_value:.3g}")
        listed.add_row(*cells(name, *values, _interval(one.interval), *counts, one.verdict))
    screen().print(listed)
    apart = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in found.left_out.items() if count)
    both = f"{found.candidate_model} against {found.current_model}: {found.shared} cases of both"
    click.echo(f"{both}; {apart}" if apart else both)
    if len(set(found.dataset_ids)) > 1:
        click.echo("  The datasets differ: only cases that stand in both were compared.")


def _interval(interval: tuple[float, float]) -> str:
    return f"{interval[0]:.3f} to {interval[1]:.3f}"


def _number(value: float | None, form: str = ".3f") -> str:
    return "-" if value is None else format(value, form)
