"""Feedback as rows."""

import json
from typing import Any

import pytest

from backtalk.ledger.feedback_rows import feedback_rows
from backtalk.ledger.schema import COLUMNS
from backtalk.model.feedback import CallNamed, TextSpan
from backtalk.model.ids import SpanId, TraceId
from backtalk.testing.facts import feedback

_A, _B = TraceId("a" * 32), TraceId("b" * 32)


def test_a_feedback_is_one_row_of_known_columns() -> None:
    """Every column that a row has is one of the table's, and what was said stands in it."""
    fact = feedback(
        target_trace_id=_A, span=TextSpan(2, 5), range=(1.0, 5.0), choice=1, source="reviewer", at_ns=7, rubric="tone"
    )
    (row,) = feedback_rows(fact)
    assert set(row) <= set(COLUMNS["feedback"])
    assert (row["trace_id"], row["span_start"], row["span_end"], row["range_low"], row["range_high"]) == (
        _A,
        2,
        5,
        1,
        5,
    )
    assert (row["choice"], row["source"], row["at_ns"], row["rubric"], row.get("item")) == (
        1,
        "reviewer",
        7,
        "tone",
        None,
    )


def test_several_calls_have_a_row_each_with_one_id() -> None:
    """Each row has the key of its own call and its place, so that the ranking is found from any of them."""
    calls = (
        CallNamed(trace_id=_A, span_id=SpanId("1" * 16), rank=0, shown=1),
        CallNamed(response_id="r", choice=2, rank=1, shown=0),
        CallNamed(trace_id=_B, parent_span_id=SpanId("2" * 16), rank=1),
    )
    rows = feedback_rows(feedback(kind="ranking", value_json="{}", calls=calls))
    assert set().union(*rows) <= set(COLUMNS["feedback"])
    assert len({row["feedback_id"] for row in rows}) == 1
    assert [(row["item"], row["rank"], row["shown"], row["choice"]) for row in rows] == [
        (0, 0, 1, None), (1, 1, 0, 2), (2, 1, None, None),
    ]  # fmt: skip
    assert [(row["trace_id"], row["span_id"], row["response_id"], row["parent_span_id"]) for row in rows] == [
        (_A, "1" * 16, None, None), (None, None, "r", None), (_B, None, None, "2" * 16),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("rating", False, False),
        ("score", 0.0, 0.0),
        ("outcome", "refunded", "refunded"),
        ("event", "copied", "copied"),
        ("comment", "my name is", None),
        ("correction", {"role": "assistant"}, None),
        (
            "survey",
            {"state": "answered", "answers": {"why": "my name is", "stars": 3.0, "again": None, "ok": False}},
            {"state": "answered", "answers": {"stars": 3.0, "again": None, "ok": False}},
        ),
    ],
)
def test_without_content_no_words_are_kept(kind: str, value: Any, kept: Any) -> None:
    """What people wrote is content; what they chose is not."""
    (row,) = feedback_rows(feedback(kind=kind, value_json=json.dumps(value), comment="words"), content=False)
    assert row["comment"] is None
    assert json.loads(row["value_json"] or "null") == kept
