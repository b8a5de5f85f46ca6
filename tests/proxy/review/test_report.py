"""The report: signals against what people said, and how sure one can be of it."""

import json
from typing import Any

import pytest

from backtalk.model.ids import CallKey, SpanId, TraceId
from backtalk.review.report import ENOUGH, calibrations, ratings, report

_CALLS_NO_TOOL = {"role": "assistant", "tool_calls": [{"function": {"name": "fly", "arguments": "{}"}}]}
_TOOLS = json.dumps([{"type": "function", "function": {"name": "walk", "parameters": {}}}])
_MESSAGES: dict[str, dict[str, Any]] = {"m": {"char_count": 12}, "t": {"json": json.dumps({"text": _TOOLS})}}


def _messages(ids: set[str]) -> dict[str, dict[str, Any]]:
    return {name: _MESSAGES[name] for name in ids}


def key(number: int) -> CallKey:
    """The key of a call."""
    return CallKey(TraceId(f"{number:032x}"), SpanId(f"{number:016x}"))


def signal(number: int, probability: float = 0.8, **fields: Any) -> dict[str, Any]:
    """A row of a correction about a call."""
    evidence = json.dumps({"rules": "correction:that's wrong"})
    plain = {"fact": "signal", "detector": "follow_up", "detector_version": "1.0", "kind": "correction"}
    about = {"trace_id": key(number).trace_id, "span_id": key(number).span_id}
    return plain | about | {"probability": probability, "polarity": "negative", "evidence_json": evidence} | fields


def test_precision_is_of_rated_answers_and_lift_over_the_usual() -> None:
    """Three of four claims were rated down, of ten answers four were."""
    rated = {key(n): n >= 4 for n in range(10)}
    [reading] = report([signal(n) for n in (0, 1, 2, 9, 99)], rated)
    assert (reading.volume, reading.precision.cases, reading.precision.value) == (5, 4, 0.75)
    assert reading.precision.low < 0.75 < reading.precision.high
    assert reading.lift == pytest.approx(0.75 / 0.4)
    assert reading.rules == (("correction:that's wrong", 5),)
    assert reading.calibration is None


def test_a_positive_claim_holds_where_the_answer_was_rated_up() -> None:
    """And a neutral one is not judged."""
    rated = {key(0): True, key(1): False}
    rows = [signal(0, polarity="positive", kind="acceptance"), signal(1, polarity="neutral", kind="topic_change")]
    praise, topic = report(rows, rated)
    assert (praise.precision.value, praise.precision.cases) == (1.0, 1)
    assert topic.precision.cases == 0


def test_enough_ratings_calibrate_a_detector() -> None:
    """Claimed at 0.9 and 0.6, found half as often."""
    count = 10 * ENOUGH
    rows = [signal(n, 0.9 if n % 2 else 0.6) for n in range(count)]
    rated = {key(n): (n // 2) % 20 >= (9 if n % 2 else 6) for n in range(count)}
    [reading] = report(rows, rated)
    assert reading.calibration is not None
    assert reading.calibration(0.9) == pytest.approx(0.45, abs=0.03)
    assert reading.error == pytest.approx(0.375, abs=0.03)
    assert [round(claimed, 1) for claimed, _ in reading.curve] == [0.6, 0.9]


def test_calibrations_are_by_tenant_and_from_what_the_detector_had_said() -> None:
    """A signal that was calibrated already does not count as it stands."""
    count = 4 * ENOUGH
    rated = {key(n): n % 4 != 0 for n in range(count)}
    evidence = json.dumps({"uncalibrated": 0.8})
    rows = [signal(n, 0.25, tenant="acme", evidence_json=evidence) for n in range(count)]
    curves = calibrations([*rows, signal(1, tenant="other")], rated).curves
    assert set(curves) == {"acme"}
    assert curves["acme"]["follow_up/1.0/correction"](0.8) == pytest.approx(0.25, abs=0.02)


def test_the_latest_thumb_counts_and_an_ambiguous_one_does_not() -> None:
    """As it does for datasets."""
    calls = [
        {"tenant": "acme", "response_id": None, **dict(zip(("trace_id", "span_id"), pair, strict=True))}
        for pair in (key(1), key(2), (key(2).trace_id, key(3).span_id))
    ]
    thumb = {"kind": "rating", "tenant": "acme", "response_id": None, "span_id": None, "parent_span_id": None}
    rows = [
        {**thumb, "feedback_id": "b", "given_ns": 2, "value_json": "false", "trace_id": key(1).trace_id},
        {**thumb, "feedback_id": "a", "given_ns": 1, "value_json": "true", "trace_id": key(1).trace_id},
        {**thumb, "feedback_id": "c", "given_ns": 3, "value_json": "true", "trace_id": key(2).trace_id},
    ]
    assert ratings(rows, calls, _messages) == {key(1): False}


@pytest.mark.parametrize(
    "later",
    [
        {"kind": "retraction", "value_json": "null", "supersedes": "a", "trace_id": None},
        {"kind": "comment", "value_json": '"I was wrong"', "supersedes": "a"},
        {"rater": "bob", "value_json": "true", "choice": 9, "supersedes": "x"},
        {"kind": "correction", "value_json": json.dumps(_CALLS_NO_TOOL), "supersedes": "a", "rejected": True},
        {"kind": "comment", "value_json": '"here"', "span_end": 40, "supersedes": "a", "rejected": True},
    ],
)
def test_a_thumb_that_was_taken_back_or_replaced_calibrates_nothing(later: dict[str, Any]) -> None:
    """Only what counts is told; what the call rejects takes nothing out."""
    about = dict(zip(("trace_id", "span_id"), key(1), strict=True))
    call = {"tenant": "acme", "response_id": None, "answer_ids": ["m"], "tools_id": "t", **about}
    thumb = {"kind": "rating", "tenant": "acme", "response_id": None, "parent_span_id": None, **about}
    first = {**thumb, "feedback_id": "a", "given_ns": 1, "value_json": "false"}
    found = ratings([first, {**thumb, "feedback_id": "b", "given_ns": 2, **later}], [call], _messages)
    assert found == ({key(1): False} if later.get("choice") or later.get("rejected") else {})
