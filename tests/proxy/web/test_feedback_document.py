"""Feedback as documents."""

import json
from typing import Any

from backtalk.ledger.standing import Standing
from backtalk.web.feedback_document import feedback_document

_CALL: dict[str, Any] = {"trace_id": "a", "span_id": "1", "answer_ids": ["m"]}
_MESSAGES = {"m": {"json": json.dumps({"role": "assistant", "text": "It is Sydney"}), "char_count": 12}}


def _row(**fields: Any) -> dict[str, Any]:
    return {"feedback_id": "f", "kind": "rating", "value_json": "false", "trace_id": "a", "key_id": ""} | fields


def test_what_was_said_stands_in_it_and_what_was_not_does_not() -> None:
    """False is an answer; an empty key is none."""
    found = feedback_document(Standing(_row(choice=0, comment="no"), [_CALL], "counts"))
    assert found == {
        "feedback_id": "f", "kind": "rating", "value": False, "choice": 0, "comment": "no", "key": {"trace_id": "a"},
        "status": "counts",
    }  # fmt: skip


def test_a_rejected_one_says_why() -> None:
    """Reason for programs, message for people."""
    found = feedback_document(Standing(_row(), [_CALL], "rejected", "choice_out_of_range", "there is no 3"))
    assert (found["status"], found["reason"], found["message"]) == ("rejected", "choice_out_of_range", "there is no 3")


def test_a_correction_says_what_it_changed() -> None:
    """Whether it is a text or a message; where the answer's text is not kept nothing is claimed."""
    for value in ("It is Canberra", {"role": "assistant", "content": "It is Canberra"}):
        row = _row(kind="correction", value_json=json.dumps(value))
        found = feedback_document(Standing(row, [_CALL], "counts"), _MESSAGES)["edited"]
        assert found["changes"] == [{"kind": "replace", "before": "Sydney", "after": "Canberra"}]
        assert 0 < found["distance"] < 1
        assert "edited" not in feedback_document(Standing(row, [_CALL], "counts"))


def test_a_label_has_the_chance_with_which_its_answer_was_drawn() -> None:
    """Where one call is known and had a chance; other kinds have none."""
    drawn = {**_CALL, "audit_prob": 0.1}
    assert feedback_document(Standing(_row(kind="label"), [drawn], "counts"))["audit_prob"] == 0.1
    for kind, fits in (("label", [_CALL]), ("label", []), ("label", [drawn, drawn]), ("rating", [drawn])):
        assert "audit_prob" not in feedback_document(Standing(_row(kind=kind), fits, "counts"))
