"""The reviewers' queue: who sees what next, and what they do not see."""

from typing import Any

from backtalk.ledger.rows import Rows
from backtalk.ledger.schema import Row
from backtalk.model.facts import CallClosed
from backtalk.testing import stories
from backtalk.web.review_queue import item, key_of, labels_of, waiting

ROWS = Rows(b"secret")


def _row(call: CallClosed) -> Row:
    return next(row for table, row in ROWS.of(call) if table == "calls")


def _label(call: Row, rater: str, *, value: str = "true", at_ns: int = 1, source: str = "reviewer") -> Row:
    key = {"trace_id": call["trace_id"], "span_id": call["span_id"]}
    said = {"kind": "label", "rater": rater, "value_json": value, "given_ns": at_ns, "source": source}
    return key | said


def _waiting(calls: list[Row], labels: list[Row], *, who: str = "ann", reviewers: int = 1) -> list[Row]:
    return waiting(
        calls,
        labels_of(labels),
        rater=lambda tenant: f"{who}@{tenant}",
        reviewers=reviewers,
        place=lambda key: int(key.span_id, 16),
    )


def test_an_answer_waits_until_enough_reviewers_have_labelled_it() -> None:
    """A reviewer sees an answer once; a second one sees it where two are wanted."""
    call = _row(stories.closed())
    mine = _label(call, f"ann@{call['tenant']}")
    assert _waiting([call], []) == [call]
    assert _waiting([call], [mine]) == []
    assert _waiting([call], [mine], who="bob") == []
    assert _waiting([call], [mine], who="bob", reviewers=2) == [call]
    assert _waiting([call], [mine], reviewers=2) == []


def test_a_judge_is_no_reviewer() -> None:
    """What a model says of an answer takes nobody's place."""
    call = _row(stories.closed())
    assert _waiting([call], [_label(call, "judge", source="model_judge")]) == [call]


def test_the_order_is_by_lot_and_not_by_time() -> None:
    """Whoever stops early has labelled a random part."""
    calls = [_row(stories.closed()) for _ in range(20)]
    assert [key_of(call).span_id for call in _waiting(calls, [])] == sorted(call["span_id"] for call in calls)


def test_of_one_reviewers_labels_the_latest_holds() -> None:
    """Whatever the order in which they are read."""
    call = _row(stories.closed())
    rows = [_label(call, "ann", value="false", at_ns=2), _label(call, "ann", at_ns=1)]
    assert [row["value_json"] for said in labels_of(rows).values() for row in said.values()] == ["false"]


def test_an_item_shows_the_conversation_and_nothing_that_was_said_of_it() -> None:
    """No model, route, session, signal or feedback: the fields are named, and there are no others."""
    facts = ROWS.of(stories.closed())
    call = {**next(row for table, row in facts if table == "calls"), "committed": True}
    messages = {row["message_id"]: row for table, row in facts if table == "messages"}
    shown: dict[str, Any] = item(call, messages)
    assert set(shown) == {"item", "opened_ns", "request", "answers"}
    assert set(shown["request"]) == {"messages", "tools"}
    assert shown["item"] == f"{call['trace_id']}-{call['span_id']}"
    assert [message["text"] for message in shown["answers"]] != []


def test_nobody_is_asked_about_an_answer_whose_texts_were_erased() -> None:
    """There is nothing to look at."""
    call = _row(stories.closed())
    assert _waiting([{**call, "erased_ns": 1}, call], []) == [call]
