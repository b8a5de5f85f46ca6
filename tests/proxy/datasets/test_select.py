"""Which facts make rows."""

import json
from pathlib import Path

import msgspec
import pytest

from backtalk.datasets.select import Selection, select
from backtalk.ledger.ledger import Ledger
from backtalk.ledger.reader import LedgerReader
from backtalk.ledger.rows import Rows
from backtalk.model.facts import Fact, JournalEntry
from backtalk.testing import stories


def selected(tmp_path: Path, *facts: Fact) -> Selection:
    """What a ledger with these facts gives."""
    ledger = Ledger(tmp_path / "ledger", "journal-1", rows=Rows(b"secret"))
    ledger.commit([(10, JournalEntry(facts))])
    ledger.close()
    return select(LedgerReader(tmp_path / "ledger").pinned(), min_probability=0.5)


@pytest.mark.parametrize(("probability", "reasons"), [(0.9, []), (0.4, ["improbable"])])
def test_improbable_edits_are_left_out(tmp_path: Path, probability: float, reasons: list[str]) -> None:
    """A guess below the limit teaches nothing."""
    first, second = stories.closed(), stories.closed()
    signal = stories.signal(first.key, second.key, kind="assistant_edit", probability=probability)

    found = selected(tmp_path, first, second, signal)

    assert [one.reason for one in found.left_out] == reasons
    assert len(found.edits) == 1 - len(reasons)


def test_signal_of_a_superseded_link_is_left_out(tmp_path: Path) -> None:
    """When the showing call was put elsewhere later on, what it had shown does not hold."""
    first, second, other = stories.closed(), stories.closed(), stories.closed()
    signal = stories.signal(first.key, second.key, kind="assistant_edit")
    moved = stories.linked(second.opened, parent=other.key, linked_ns=signal.found_ns + 1, supersedes=True)

    found = selected(tmp_path, first, second, other, signal, moved)

    assert [one.reason for one in found.left_out] == ["superseded"]


def test_edit_whose_calls_are_not_there_is_left_out(tmp_path: Path) -> None:
    """A call that has not ended yet has no row."""
    first = stories.closed()
    signal = stories.signal(first.key, stories.a_key(), kind="assistant_edit")

    assert [one.reason for one in selected(tmp_path, first, signal).left_out] == ["call_not_closed"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"request_capture": "truncated"}, "capture_truncated"), ({"status": 500}, "answer_incomplete")],
)
def test_call_of_which_not_all_is_known_is_left_out(tmp_path: Path, fields: dict[str, object], reason: str) -> None:
    """Half a prompt or an error is nothing to learn from."""
    call = msgspec.structs.replace(stories.closed(), **fields)
    given = stories.feedback(kind="correction", value_json=json.dumps("x"), target_trace_id=call.key.trace_id)

    assert [one.reason for one in selected(tmp_path, call, given).left_out] == [reason]


def test_a_correction_that_does_not_count_makes_no_row(tmp_path: Path) -> None:
    """What was retracted, superseded or cannot be of its call teaches nothing; the successor does."""
    call = stories.closed()
    fields = {"kind": "correction", "value_json": json.dumps("x"), "target_trace_id": call.key.trace_id}
    retracted, first = stories.feedback(rater="a", **fields), stories.feedback(rater="b", **fields)
    second = stories.feedback(rater="b", supersedes=first.feedback_id, **fields)
    rejected = stories.feedback(rater="c", choice=3, **fields)
    taken_back = stories.feedback(kind="retraction", value_json="null", supersedes=retracted.feedback_id)

    found = selected(tmp_path, call, retracted, first, second, rejected, taken_back)

    assert {one.id: one.reason for one in found.left_out} == {
        retracted.feedback_id: "retracted",
        first.feedback_id: "superseded",
        rejected.feedback_id: "choice_out_of_range",
    }
    assert [one.feedback_id for one in found.corrections] == [second.feedback_id]
