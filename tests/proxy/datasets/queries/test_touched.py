"""Which calls are looked at, asked of a real ledger."""

from pathlib import Path
from typing import Any

from backtalk.datasets.queries.scope import CHUNK_CALLS, MAX_ANSWERS, Scope
from backtalk.model.facts import CallClosed
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts
from backtalk.testing.selections import selected

NOON_NS = stories.NOON_NS


def spans(root: Path, **scope: Any) -> list[str]:
    """The span ids of the calls to look at, in order."""
    with selected(root, Scope(**scope)) as selection:
        return [row["span_id"] for chunk in selection.chunks() for row in chunk.answers]


def test_answers_to_one_prompt_follow_each_other_in_time(tmp_path: Path) -> None:
    """The prompt that was asked first comes first; calls without any fact are not looked at."""
    first, other, again, silent = (
        stories.closed(call=stories.opened(asked=text, opened_ns=NOON_NS + number))
        for number, text in enumerate(("a", "b", "a", "c"))
    )
    facts = [stories.feedback(target_trace_id=call.key.trace_id) for call in (again, other)]
    root = write_facts(tmp_path, first, other, again, silent, *facts, stories.signal(first.key, again.key))

    assert spans(root) == [call.key.span_id for call in (first, again, other)]
    assert spans(root, since_ns=NOON_NS + 1) == [call.key.span_id for call in (other, again)]
    assert spans(root, models=("nobody's",)) == []
    with selected(root) as selection:
        assert (selection.calls, selection.newest_ns) == (3, NOON_NS + 3)


def test_an_evaluations_answers_are_no_users(tmp_path: Path) -> None:
    """Whatever was said of them: a dataset would learn from its own exam."""
    user, exam = stories.closed(), stories.closed(call=stories.with_purpose("evaluation"))
    said = [stories.feedback(target_trace_id=call.key.trace_id) for call in (user, exam)]
    root = write_facts(tmp_path, user, exam, *said)

    assert spans(root) == [user.key.span_id]
    with selected(root) as selection:
        assert list(selection.left_out()) == []


def test_a_name_cannot_leave_its_quotes(tmp_path: Path) -> None:
    """What a recipe names is a value, whatever it looks like."""
    root = write_facts(tmp_path, stories.closed())
    assert spans(root, tenants=("x') or true --", "'", "\\", "\x00")) == []


def test_a_prompt_with_too_many_answers_is_cut_and_counted(tmp_path: Path) -> None:
    """A greeting may have been answered a million times."""
    calls = [stories.closed() for _ in range(MAX_ANSWERS + 2)]
    root = write_facts(tmp_path, *calls, *(stories.feedback(target_trace_id=call.key.trace_id) for call in calls))

    with selected(root) as selection:
        assert (selection.calls, selection.unseen) == (MAX_ANSWERS, 2)
        assert sum(len(chunk.answers) for chunk in selection.chunks()) == MAX_ANSWERS


def test_chunks_hold_whole_prompts(tmp_path: Path) -> None:
    """About as many calls as are read at once, and no prompt in two of them."""
    calls: list[CallClosed] = [
        stories.closed(call=stories.opened(asked=f"{number // 3}", opened_ns=NOON_NS + number % 7))
        for number in range(2 * CHUNK_CALLS + 100)
    ]
    root = write_facts(tmp_path, *calls, *(stories.feedback(target_trace_id=call.key.trace_id) for call in calls))

    with selected(root) as selection:
        chunks = [[row["prompt"] for row in chunk.answers] for chunk in selection.chunks()]

    assert [prompt for chunk in chunks for prompt in chunk] == sorted(prompt for chunk in chunks for prompt in chunk)
    assert sum(len(set(chunk)) for chunk in chunks) == len({prompt for chunk in chunks for prompt in chunk})
    assert max(map(len, chunks)) <= CHUNK_CALLS + MAX_ANSWERS
    assert len(chunks) == 3


def test_prompts_of_other_tenants_and_with_other_tools_are_others(tmp_path: Path) -> None:
    """The same words are not the same prompt."""
    calls = [stories.closed(), stories.closed(call=stories.opened(tenant="other"))]
    facts = [stories.feedback(target_trace_id=c.key.trace_id, tenant=c.opened.tenant) for c in calls]
    with selected(write_facts(tmp_path, *calls, *facts)) as selection:
        assert [row["prompt"] for chunk in selection.chunks() for row in chunk.answers] == [0, 1]
