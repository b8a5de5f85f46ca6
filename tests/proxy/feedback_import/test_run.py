"""One import from the first row to the last."""

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from backtalk.errors import StoreError
from backtalk.feedback_import.door import BATCH, Door
from backtalk.feedback_import.plan import Plan
from backtalk.feedback_import.progress import Progress
from backtalk.feedback_import.reading import Row
from backtalk.feedback_import.run import Refusals, Tally, run
from backtalk.testing.batch_door import ListeningDoor


def rows(count: int, first: int = 2) -> Iterator[Row]:
    """Outcomes of as many calls."""
    for line in range(first, first + count):
        yield Row(line, {"trace_id": f"{line:032x}", "metric": "resolved", "value": "true"}, 0)


def imported(
    listening: ListeningDoor, folder: Path, given: Iterable[Row], *, patience_s: float = 1.0
) -> tuple[Tally, list[dict[str, object]]]:
    """Run an import of these rows in this folder; the tally, and what was refused."""
    door = Door(listening.url, None, patience_s=patience_s, wait=lambda _: None)
    with Progress(folder / "progress", 1) as progress:
        refusals = Refusals(folder / "refused.jsonl", anew=progress.done_line == 0)
        try:
            tally = run(given, Plan(), door, progress, refusals, lambda _row, _tally: None)
        finally:
            door.close()
            refusals.close()
    file = folder / "refused.jsonl"
    return tally, [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_rows_go_in_batches_and_each_once(listening: ListeningDoor, tmp_path: Path) -> None:
    """No body holds more than the door takes; the second run of the same sends nothing."""
    tally, refused = imported(listening, tmp_path, rows(2 * BATCH + 5))
    assert (tally.rows, tally.taken, tally.duplicates, refused) == (2 * BATCH + 5, 2 * BATCH + 5, 0, [])
    assert [len(body["items"]) for body in listening.bodies] == [BATCH, BATCH, 5]
    again, _ = imported(listening, tmp_path, rows(2 * BATCH + 5))
    assert (again.rows, again.before, len(listening.bodies)) == (0, 2 * BATCH + 5, 3)


def test_an_import_that_was_cut_short_goes_on(listening: ListeningDoor, tmp_path: Path) -> None:
    """From the first row that was not acknowledged."""
    listening.plan = lambda number: (503, {}) if number > 1 else None
    with pytest.raises(StoreError, match="go on"):
        imported(listening, tmp_path, rows(3 * BATCH))
    listening.plan = None
    tally, _ = imported(listening, tmp_path, rows(3 * BATCH))
    assert (tally.before, tally.taken, tally.duplicates) == (BATCH, 2 * BATCH, 0)
    assert len(listening.known) == 3 * BATCH


def test_refused_rows_go_to_a_file_with_their_reason(listening: ListeningDoor, tmp_path: Path) -> None:
    """Whoever refused them: the reader, the plan or the door; a row that says nothing is none of them."""
    key = {"trace_id": "a" * 32, "metric": "m"}
    given = [
        Row(2, {}, 0, "the line is not JSON"),
        Row(3, {**key, "value": "refuse"}, 0),
        Row(4, key, 0),
        Row(5, {**key, "value": b"x"}, 0),
        Row(6, {**key, "value": "true"}, 0),
    ]
    tally, refused = imported(listening, tmp_path, given)
    assert [(one["line"], one["code"], one["reason"]) for one in refused] == [
        (2, "unreadable", "the line is not JSON"),
        (3, "invalid_field", "value is wrong"),
        (5, "bad_row", "value holds bytes; it must be a text, a number or true or false"),
    ]
    assert (tally.taken, tally.silent, tally.refused) == (1, 1, 3)
    assert refused[1]["row"] == {**key, "value": "refuse"}
    assert tally.examples["value is wrong"] == [3]


def test_a_row_that_json_cannot_hold_is_refused_and_ends_nothing(listening: ListeningDoor, tmp_path: Path) -> None:
    """Half a surrogate pair, a duration, a key of bytes, what is too deep: the rows behind are sent."""
    deep: object = []
    for _ in range(5_000):
        deep = [deep]
    values = ["\ud800", timedelta(1), {b"k": 1}, deep]
    key = {"trace_id": "a" * 32, "metric": "m"}
    given = [Row(line, {**key, "value": value}, 0) for line, value in enumerate(values, 1)]
    tally, refused = imported(listening, tmp_path, [*given, *rows(1, first=9)])
    assert (tally.refused, tally.taken) == (4, 1)
    assert [(one["line"], one["code"]) for one in refused] == [(line, "bad_row") for line in (1, 2, 3, 4)]


def test_a_large_feedback_goes_alone(listening: ListeningDoor, tmp_path: Path) -> None:
    """A body stays small however long the texts are."""
    texts = [Row(n, {"trace_id": "a" * 32, "kind": "comment", "value": f"{n}" * 100_000}, 0) for n in range(2, 8)]
    imported(listening, tmp_path, texts)
    assert [len(body["items"]) for body in listening.bodies] == [2, 2, 2]


def test_reasons_are_bounded() -> None:
    """A file in which every row is wrong in its own way does not fill the memory."""
    tally = Tally()
    for line in range(1_000):
        tally.refuse(line, f"reason {line}")
    assert tally.refused == sum(tally.reasons.values()) == 1_000
    assert len(tally.reasons) == len(tally.examples) <= 51
