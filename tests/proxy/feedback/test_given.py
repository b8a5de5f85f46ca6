"""From a feedback frame to the fact."""

import json
from typing import Any

import msgspec
import pytest

from backtalk.feedback.body import parse
from backtalk.feedback.given import feedback_given
from backtalk.model import feedback, frames
from backtalk.model.facts import FeedbackGiven

_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
_SPAN = "00f067aa0ba902b7"


def _fact(**fields: Any) -> FeedbackGiven:
    words = feedback.canonical(parse(json.dumps({"kind": "rating", "value": False} | fields).encode()).body)
    return feedback_given(frames.Feedback(5, 6, "f1", "t1", "a" * 32, "b" * 16, words))


def test_the_fact_holds_who_what_and_when() -> None:
    """Everything of the frame and the body is in the fact."""
    fact = _fact(response_id="r", comment="no", metric="helpful", rater="ann")
    assert (fact.feedback_id, fact.tenant, fact.given_ns, fact.trace_id, fact.span_id) == (
        "f1", "t1", 5, "a" * 32, "b" * 16,
    )  # fmt: skip
    assert (fact.kind, fact.value_json, fact.comment, fact.metric, fact.rater) == (
        "rating", "false", "no", "helpful", "ann",
    )  # fmt: skip
    assert len(fact.body_sha256) == 64


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"trace_id": _TRACE}, {"target_trace_id": _TRACE}),
        ({"trace_id": _TRACE, "span_id": _SPAN}, {"target_trace_id": _TRACE, "target_span_id": _SPAN}),
        ({"request_id": f"{_TRACE}-{_SPAN}"}, {"target_trace_id": _TRACE, "target_span_id": _SPAN}),
        ({"response_id": "r"}, {"target_response_id": "r"}),
        ({"traceparent": f"00-{_TRACE}-{_SPAN}-00"}, {"target_trace_id": _TRACE, "target_parent_span_id": _SPAN}),
        ({"session_id": "s"}, {"target_session_id": "s"}),
    ],
)
def test_each_target_fills_its_fields_and_no_other(target: dict[str, str], expected: dict[str, str]) -> None:
    """The join finds exactly what the client named."""
    fact = _fact(**target)
    names = [name for name in FeedbackGiven.__struct_fields__ if name.startswith("target_")]
    assert {name: getattr(fact, name) for name in names if getattr(fact, name) is not None} == expected


def test_a_body_that_is_none_of_ours_is_refused() -> None:
    """The worker counts it as a bad frame."""
    with pytest.raises(msgspec.MsgspecError):
        feedback_given(frames.Feedback(5, 6, "f1", "t1", "a" * 32, "b" * 16, b"{}"))
