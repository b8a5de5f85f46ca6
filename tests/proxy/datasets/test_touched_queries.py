"""Which calls are looked at, asked of a real ledger."""

from pathlib import Path
from typing import Any

import msgspec

from backtalk.datasets import touched_queries
from backtalk.datasets.touched_queries import MAX_ANSWERS, Scope
from backtalk.ledger.query import LedgerQuery
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts

NOON_NS = stories.NOON_NS


def spans(root: Path, **scope: Any) -> list[str]:
    """The span ids of the calls to look at, in order."""
    return [row["span_id"] for row in LedgerQuery(root).rows(touched_queries.answers(Scope(**scope)))]


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
    assert spans(root, models=["nobody's"]) == []
    assert next(LedgerQuery(root).rows(touched_queries.count(Scope())))["calls"] == 3


def test_an_evaluations_answers_are_no_users(tmp_path: Path) -> None:
    """Whatever was said of them: a dataset would learn from its own exam."""
    user, exam = stories.closed(), stories.closed(call=stories.with_purpose("evaluation"))
    said = [stories.feedback(target_trace_id=call.key.trace_id) for call in (user, exam)]
    root = write_facts(tmp_path, user, exam, *said)

    assert spans(root) == [user.key.span_id]
    assert list(LedgerQuery(root).rows(touched_queries.unjoined(Scope()))) == []


def test_a_name_cannot_leave_its_quotes(tmp_path: Path) -> None:
    """What a recipe names is a value, whatever it looks like."""
    root = write_facts(tmp_path, stories.closed())
    assert spans(root, tenants=["x') or true --", "'"]) == []


def test_a_prompt_with_too_many_answers_is_cut_and_counted(tmp_path: Path) -> None:
    """A greeting may have been answered a million times."""
    calls = [stories.closed() for _ in range(MAX_ANSWERS + 2)]
    root = write_facts(tmp_path, *calls, *(stories.feedback(target_trace_id=call.key.trace_id) for call in calls))

    assert len(spans(root)) == MAX_ANSWERS
    assert next(LedgerQuery(root).rows(touched_queries.crowded(Scope())))["calls"] == 2


def test_feedback_that_fits_nothing_is_told_apart(tmp_path: Path) -> None:
    """A session's is not one that waits for its call; a retraction is neither."""
    call = stories.closed()
    session = msgspec.structs.replace(stories.feedback(), target_trace_id=None, target_session_id="5e55")
    lost = stories.feedback(target_trace_id="a" * 32)
    elsewhere = stories.feedback(target_trace_id=call.key.trace_id, target_span_id="b" * 16)
    root = write_facts(tmp_path, call, session, lost, elsewhere, stories.feedback(target_trace_id=call.key.trace_id))

    found = {row["feedback_id"]: row["of_session"] for row in LedgerQuery(root).rows(touched_queries.unjoined(Scope()))}

    assert found == {session.feedback_id: True, lost.feedback_id: False, elsewhere.feedback_id: False}
