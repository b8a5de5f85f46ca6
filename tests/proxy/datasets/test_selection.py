"""What a dataset is made from, chunk by chunk."""

from contextlib import closing
from pathlib import Path

from backtalk.datasets.engine import Engine
from backtalk.datasets.progress import SELECTING
from backtalk.datasets.queries.scope import Scope
from backtalk.datasets.selection import Selection
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts
from backtalk.testing.selections import selected


def test_an_empty_ledger_selects_nothing(tmp_path: Path) -> None:
    """There are no chunks and no newest call."""
    with selected(write_facts(tmp_path)) as selection:
        assert (selection.calls, selection.unseen, selection.newest_ns) == (0, 0, None)
        assert (list(selection.chunks()), list(selection.left_out())) == ([], [])


def test_progress_is_told_while_calls_are_selected(tmp_path: Path) -> None:
    """Before any call is read."""
    told: list[tuple[str, int, int]] = []
    root = write_facts(tmp_path / "ledger", stories.closed())
    with closing(Engine(root, tmp_path)) as engine:
        Selection(engine, Scope(), lambda what, done, total: told.append((what, done, total)))
    assert told == [(SELECTING, done, 10) for done in range(11)]


def test_each_call_stands_with_what_was_said_of_it_alone(tmp_path: Path) -> None:
    """Rows of another chunk do not come along."""
    calls = [stories.closed(call=stories.opened(asked=f"{number}?", opened_ns=number + 1)) for number in range(1200)]
    facts = [stories.feedback(target_trace_id=call.key.trace_id) for call in calls]
    with selected(write_facts(tmp_path, *calls, *facts)) as selection:
        for chunk in selection.chunks():
            assert {row["trace_id"] for row in chunk.answers} == {row["call_trace_id"] for row in chunk.feedback}
            assert {row["message_id"] for row in chunk.texts} == {
                name for row in chunk.answers for name in (*row["message_ids"], *row["answer_ids"])
            }
