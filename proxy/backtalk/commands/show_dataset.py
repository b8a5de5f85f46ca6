"""A built dataset for a person: what was written, where it leans, and what was left out.

In: a `Built`. Out: text, and while it is built a bar on the terminal.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress

from backtalk import clock
from backtalk.datasets.build import Built, beside
from backtalk.datasets.manifest import FILE

_SHOWN: Final = ("split", "tag", "label", "model", "language")


@contextmanager
def progress() -> Generator[Callable[[str, int, int], None]]:
    """A bar that moves with what is being done; nothing where nobody looks."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("dataset", total=None)

        def told(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield told


def report(built: Built) -> str:
    """What was built, in a few lines."""
    document = built.document
    many = document["row_count"]
    rules = _counts(document["balance"].get("rule", {}))
    what = f"{many} {document['kind']} {'row' if many == 1 else 'rows'}" + (f" ({rules})" if rules else "")
    manifest = built.folder / FILE if built.folder.is_dir() else beside(built.folder)
    lines = [f"{what} in {built.folder}, up to {_until(document['inputs']['newest_call_ns'])}"]
    balance = document["balance"]
    lines += [f"  by {name}: {_counts(balance[name])}" for name in _SHOWN if name in balance]
    lines += [f"  not in {name}: {_counts(reasons)}" for name, reasons in document["skipped"].items()]
    if built.left_out:
        lines.append(f"  left out: {_counts(built.left_out)}")
    lines.append(f"  the facts behind each row: {manifest}, {built.dataset_id}")
    return "\n".join(lines)


def _counts(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _until(newest_call_ns: int | None) -> str:
    if newest_call_ns is None:
        return "no call yet"
    return datetime.fromtimestamp(newest_call_ns / clock.NS_PER_S, UTC).strftime("the call of %F %T UTC")
