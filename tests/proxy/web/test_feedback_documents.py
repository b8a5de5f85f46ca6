"""What became of a feedback: every status, from rows alone."""

from typing import Any

import pytest

from backtalk.ledger.standing import standings
from backtalk.ledger.targets import targets
from backtalk.web.feedback_documents import feedback_document

CALL = {"trace_id": "1" * 32, "span_id": "2" * 16, "tenant": "t", "response_id": "r", "session_id": "s"}
OTHER = CALL | {"span_id": "3" * 16}
ID = "a" * 32


def row(**changes: Any) -> dict[str, Any]:
    """A thumb about the call."""
    said = {"feedback_id": ID, "kind": "rating", "value_json": "true", "tenant": "t", "given_ns": 1, "committed": True}
    return said | {"trace_id": CALL["trace_id"], "span_id": CALL["span_id"]} | changes


def after(kind: str, **changes: Any) -> dict[str, Any]:
    """Something that names it as superseded."""
    return row(feedback_id="b" * 32, kind=kind, supersedes=ID, given_ns=2, trace_id=None, span_id=None) | changes


def document_of(items: list[dict[str, Any]], calls: list[dict[str, Any]], later: list[dict[str, Any]]) -> Any:
    """The document of what was said, judged with what came after it."""
    found = standings([(one, targets(one, calls)) for one in [*items, *later]], {}, calls)
    return feedback_document([one for one in found if one.row["feedback_id"] == ID], later, calls)


@pytest.mark.parametrize(
    ("said", "calls", "later", "status"),
    [
        (row(), [CALL, OTHER], [], "counts"),
        (row(), [], [], "pending"),
        (row(span_id=None), [CALL, OTHER], [], "ambiguous"),
        (row(), [CALL | {"tenant": "u"}], [], "rejected"),
        (row(choice=2), [CALL | {"answer_ids": ["m"]}], [], "rejected"),
        (row(), [CALL], [row(feedback_id="c" * 32, given_ns=2)], "replaced"),
        (row(), [CALL], [after("rating")], "superseded"),
        (row(), [CALL], [after("rating"), after("retraction")], "retracted"),
        (row(), [CALL], [after("retraction", tenant="u")], "counts"),
        (row(trace_id=None, span_id=None, session_id="s"), [CALL, OTHER], [], "counts"),
        (row(trace_id=None, span_id=None, session_id="x"), [CALL], [], "pending"),
    ],
)
def test_the_status_says_what_became_of_it(
    said: dict[str, Any], calls: list[dict[str, Any]], later: list[dict[str, Any]], status: str
) -> None:
    """Nobody but the same tenant can replace it or take it back; a call of another tenant is none."""
    assert document_of([said], calls, later)["status"] == status


def test_what_was_said_is_shown_with_its_call_and_its_history() -> None:
    """The value, the key that was given, the call that was found, and what came after."""
    document = document_of([row(comment="why", range_low=1.0, range_high=5.0)], [CALL], [after("retraction")])
    assert (document["value"], document["comment"], document["range"]) == (True, "why", [1.0, 5.0])
    assert document["target"] == {"trace_id": CALL["trace_id"], "span_id": CALL["span_id"]}
    assert document["history"] == [{"feedback_id": "b" * 32, "kind": "retraction", "given_ns": 2}]
    assert "tenant" not in document


def test_an_ambiguous_one_lists_its_candidates() -> None:
    """And says that none is meant."""
    document = document_of([row(span_id=None)], [CALL, OTHER], [])
    assert document["target"] is None
    assert [one["span_id"] for one in document["candidates"]] == ["2" * 16, "3" * 16]


def test_one_about_several_calls_says_of_each() -> None:
    """A ranking is pending until each of its calls is known."""
    items = [row(kind="ranking", item=0), row(kind="ranking", item=1, span_id=OTHER["span_id"])]
    assert document_of(items, [CALL], [])["status"] == "pending"
    whole = document_of(items, [CALL, OTHER], [])
    assert whole["status"] == "counts"
    assert [len(one["found"]) for one in whole["calls"]] == [1, 1]


def test_a_rejected_one_says_why() -> None:
    """Reason for programs, message for people; the call that it named is still told."""
    document = document_of([row(choice=2)], [CALL | {"answer_ids": ["m"]}], [])
    assert document["reason"] == "choice_out_of_range"
    assert "there is no 2" in document["message"]


def test_a_label_shows_the_chance_of_its_answer() -> None:
    """So that whoever reads labels can weigh them; a thumb has none."""
    drawn = CALL | {"audit_prob": 0.1}
    assert document_of([row(kind="label")], [drawn], [])["audit_prob"] == 0.1
    assert "audit_prob" not in document_of([row()], [drawn], [])
