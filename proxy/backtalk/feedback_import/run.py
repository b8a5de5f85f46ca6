"""One import, from the first row to the last: read, map, send, write down.

In: rows, a plan, a door and a progress. Out: a `Tally`, and refused rows in a file as they are met. The one rule: at
most one batch is in memory; the door's pace is the reader's pace.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from backtalk.errors import RequestError
from backtalk.feedback_import.door import BATCH, Door, Taken
from backtalk.feedback_import.plan import Plan, bodies
from backtalk.feedback_import.progress import Progress, Sent
from backtalk.feedback_import.reading import Row

BATCH_BYTES: Final = 256 << 10
"""So much JSON goes into one body, unless one feedback alone is larger."""
EXAMPLES: Final = 3
"""So many lines are named for each reason."""
_MOST_REASONS: Final = 50


class _Item(NamedTuple):
    row: Row
    words: bytes
    """The feedback's JSON; empty where it was refused without asking."""
    refused: Taken | None = None


@dataclass(slots=True)
class Tally:
    """Counts of one run; `reasons` by sentence, with the first lines of each."""

    rows: int = 0
    """Rows that this run has read, those done before not among them."""
    before: int = 0
    silent: int = 0
    """Rows that say nothing."""
    taken: int = 0
    duplicates: int = 0
    refused: int = 0
    reasons: Counter[str] = field(default_factory=Counter[str])
    examples: dict[str, list[int]] = field(default_factory=dict[str, list[int]])

    def refuse(self, line: int, reason: str) -> None:
        """Count one more refused row or feedback."""
        self.refused += 1
        if reason not in self.reasons and len(self.reasons) >= _MOST_REASONS:
            reason = "other reasons"
        self.reasons[reason] += 1
        lines = self.examples.setdefault(reason, [])
        if len(lines) < EXAMPLES and line not in lines:
            lines.append(line)


class Refusals:
    """The file of refused rows, made with the first of them: one JSON object a line, with the row as it was read."""

    def __init__(self, path: Path, *, anew: bool) -> None:
        self.path: Final = path
        self._file: TextIO | None = None
        if anew:
            path.unlink(missing_ok=True)

    def add(self, row: Row, code: str, reason: str) -> None:
        """Write one down."""
        if self._file is None:
            self._file = self.path.open("a", encoding="utf-8", errors="backslashreplace")
        said = {"line": row.line, "code": code, "reason": reason}
        try:
            words = json.dumps({**said, "row": row.fields}, ensure_ascii=False, default=str)
        except (TypeError, RecursionError):
            words = json.dumps(said)
        self._file.write(words + "\n")

    def close(self) -> None:
        """Let the file go."""
        if self._file is not None:
            self._file.close()


def run(
    rows: Iterable[Row],
    plan: Plan,
    door: Door,
    progress: Progress | None,
    refusals: Refusals,
    step: Callable[[Row, Tally], None],
) -> Tally:
    """Send everything that was not sent before; `progress` None writes nothing down (a dry run)."""
    tally, batch, size = Tally(), list[_Item](), 0
    done_line = progress.done_line if progress else 0
    for row in rows:
        if row.line <= done_line:
            tally.before += 1
            continue
        tally.rows += 1
        found = _items(row, plan)
        tally.silent += not found
        added = sum(len(item.words) for item in found)
        if batch and (len(batch) + len(found) > BATCH or size + added > BATCH_BYTES):
            _send(batch, door, progress, refusals, tally)
            batch, size = [], 0
        batch, size = batch + found, size + added
        step(row, tally)
    _send(batch, door, progress, refusals, tally)
    return tally


def _items(row: Row, plan: Plan) -> list[_Item]:
    if row.problem is not None:
        return [_Item(row, b"", Taken("", code="unreadable", reason=row.problem))]
    try:
        return [_Item(row, json.dumps(body, allow_nan=True).encode()) for body in bodies(plan, row.fields)]
    except RequestError as error:
        return [_Item(row, b"", Taken("", code=error.code, reason=error.message))]
    except (TypeError, ValueError, RecursionError) as error:  # half a surrogate pair, a duration, too deep
        reason = f"the row holds what JSON cannot: {type(error).__name__}"
        return [_Item(row, b"", Taken("", code="bad_row", reason=reason))]


def _send(batch: Sequence[_Item], door: Door, progress: Progress | None, refusals: Refusals, tally: Tally) -> None:
    replies = iter(door.send([item.words for item in batch if item.refused is None]))
    decided = [(item.row, item.refused or next(replies)) for item in batch]
    for row, taken in decided:
        if taken.code:
            tally.refuse(row.line, taken.reason)
            refusals.add(row, taken.code, taken.reason)
        else:
            tally.taken += 1
            tally.duplicates += taken.duplicate
    if progress is not None:
        progress.add(Sent(row.line, taken.feedback_id) for row, taken in decided)
