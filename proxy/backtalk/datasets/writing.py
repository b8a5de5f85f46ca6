"""Rows out of the scratch file into every format: one pass, a row at a time.

In: rows with their splits, in order. Out: entries of files, what no format could hold, and the balance.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from backtalk.datasets.balance import Balance
from backtalk.datasets.formats.evaluations import PROMPTFOO_CONFIG
from backtalk.datasets.formats.hugging_face import card
from backtalk.datasets.formats.known import FORMATS
from backtalk.datasets.formats.unfit import UnfitError
from backtalk.datasets.manifest import row_entry
from backtalk.datasets.output import FileEntry, Lines, Parts, write_text
from backtalk.datasets.progress import WRITING, Progress, followed, untold
from backtalk.datasets.rows import columns, decode_row
from backtalk.datasets.scratch import Scratch


class Outline(Protocol):
    """What of a recipe the files show; `recipe.Recipe` is one."""

    @property
    def name(self) -> str:
        """The dataset's name."""
        ...

    @property
    def kind(self) -> str:
        """What all rows are."""
        ...

    @property
    def description(self) -> str:
        """For people."""
        ...

    @property
    def text(self) -> str:
        """The recipe as it was written."""
        ...

    @property
    def formats(self) -> Sequence[str]:
        """Names of `FORMATS`."""
        ...

    @property
    def splits(self) -> Sequence[str]:
        """Names of the splits."""
        ...


class Written:
    """What was written."""

    def __init__(self, recipe: Outline) -> None:
        self.balance: Final = Balance()
        self.files: Final[list[FileEntry]] = []
        self.skipped: Final[dict[str, Counter[str]]] = {name: Counter() for name in recipe.formats}
        self.unfit: Final[list[dict[str, Any]]] = []
        """Rows that are no line of a single file, each with the reason."""


def write(
    root: Path, recipe: Outline, scratch: Scratch, *, single: str | None = None, progress: Progress = untold
) -> Written:
    """Write all files but the manifest; with `single` only the one file of one format and one split, by that name."""
    written = Written(recipe)
    parts = Parts(root)
    lines = {
        (name, split): Lines(root, single or f"{name}/{FORMATS[name].file.format(split=split)}")
        for name in recipe.formats
        for split in recipe.splits
    }
    for number, (split, payload) in enumerate(followed(scratch.payloads(), WRITING, scratch.row_count(), progress)):
        row = decode_row(payload)
        written.balance.add(split, row)
        scratch.use((reason.fact, reason.id) for reason in row.sample.reasons)
        if single is None:
            parts.add(columns(number, split, row))
        for name in recipe.formats:
            try:
                lines[name, split].add(FORMATS[name].line(row.sample))
            except UnfitError as error:
                written.skipped[name][error.reason] += 1
                if single is not None:
                    written.unfit.append({"row": number, "reason": error.reason})
    rows = {key: file.close() for key, file in lines.items()}
    written.files.extend(rows.values())
    if single is None:
        written.files.extend(parts.close())
        written.files.extend(_companions(root, recipe, {key: entry.rows for key, entry in rows.items()}))
    return written


def row_entries(scratch: Scratch) -> Iterator[dict[str, Any]]:
    """Every row as the manifest names it."""
    for number, (split, payload) in enumerate(scratch.payloads()):
        yield row_entry(number, split, decode_row(payload))


def _companions(root: Path, recipe: Outline, rows: Mapping[tuple[str, str], int]) -> list[FileEntry]:
    """What a format wants beside its lines."""
    made: list[FileEntry] = []
    if "hugging_face" in recipe.formats:
        counts = {split: count for (name, split), count in rows.items() if name == "hugging_face"}
        text = card(recipe.name, recipe.kind, recipe.description, counts, recipe.text)
        made.append(write_text(root, "hugging_face/README.md", text))
    if "promptfoo" in recipe.formats:
        tests = "\n".join(f"  - file://{split}.jsonl" for split in recipe.splits)
        config = PROMPTFOO_CONFIG.format(name=json.dumps(recipe.name), tests=tests)
        made.append(write_text(root, "promptfoo/promptfooconfig.yaml", config))
        made.append(write_text(root, "promptfoo/prompt.json", "{{messages}}\n"))
    return made
