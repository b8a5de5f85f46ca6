"""How an import looks on a terminal: a bar while it runs, then what was taken, refused and joined."""

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from backtalk.feedback_import.joining import Joins
from backtalk.feedback_import.reading import Row
from backtalk.feedback_import.run import EXAMPLES, Tally


@contextmanager
def shown_progress(file: Path) -> Generator[Callable[[Row, Tally], None]]:
    """A bar on the terminal, by how much of the file was read; nothing where no person looks."""
    console = Console(file=sys.stderr)
    columns = (
        BarColumn(),
        TextColumn("{task.percentage:.0f}%"),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("0 rows", total=file.stat().st_size)

        def step(row: Row, tally: Tally) -> None:
            done = row.end_bytes or None
            rows = tally.rows + tally.before
            if rows % 100 == 0:
                bar.update(task, completed=done, description=f"{rows:,} rows, {tally.refused:,} refused")

        yield step


def summary(tally: Tally, refused: Path, *, dry_run: bool) -> str:
    """What the door said, in a few lines."""
    done = f" ({tally.before:,} rows were done before)" if tally.before else ""
    would = "would be taken, nothing was kept" if dry_run else f"taken, {tally.duplicates:,} of them known already"
    lines = [f"{tally.rows:,} rows{done}: {tally.taken:,} feedback {would}; {tally.silent:,} rows say nothing"]
    if tally.refused:
        lines.append(f"{tally.refused:,} refused, written to {refused}:")
    for reason, count in tally.reasons.most_common(10):
        lines.append(f"  {count:,} x {reason} ({_lines(tally.examples[reason], count)})")
    return "\n".join(_plain(line) for line in lines)


def _lines(examples: Sequence[int], count: int) -> str:
    """The lines by name; dots where there may be more of them."""
    more = ", ..." if len(examples) == EXAMPLES < count else ""
    return f"line{'s' if len(examples) > 1 else ''} {', '.join(map(str, examples))}{more}"


def joins(found: Joins, sent: int, unjoined: Path) -> str:
    """What has found its call, why what was rejected was, and where the lines stand that have not joined."""
    counts, here = found.counts, found.counts.total()
    said = ", ".join(f"{counts[name]:,} {name}" for name in ("joined", "pending", "ambiguous", "rejected"))
    late = f"; {sent - here:,} are not in the ledger yet" if here < sent else ""
    where = f"\nlines that have not joined are in {unjoined}" if here > counts["joined"] else ""
    why = [f"  {count:,} x {reason}: {found.sentences[reason]}" for reason, count in found.reasons.most_common()]
    return "".join((said, late, *(f"\n{_plain(line)}" for line in why), where))


def _plain(text: str) -> str:
    """Nothing that a terminal would obey: reasons quote what stood in the file."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
