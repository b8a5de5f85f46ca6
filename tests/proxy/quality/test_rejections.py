"""What the call rejects, found in real tables."""

import json
from pathlib import Path

from backtalk.ledger.query import LedgerQuery
from backtalk.model.feedback import TextSpan
from backtalk.quality import coverage_queries
from backtalk.quality.audit import audit
from backtalk.quality.coverage_queries import Period
from backtalk.quality.rejections import rejected
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts

PERIOD = Period(stories.NOON_NS - 10**12, stories.NOON_NS + 10**12)


def write(root: Path) -> None:
    """One answer, four words about it that it rejects, one of them in place of a good one."""
    call = stories.closed(answered="four")
    about = {"target_trace_id": call.key.trace_id, "target_span_id": call.key.span_id}
    called = {"id": "1", "type": "function", "function": {"name": "fly", "arguments": "{}"}}
    message = json.dumps({"role": "assistant", "tool_calls": [called]})
    write_facts(
        root, call,
        stories.feedback(feedback_id="good", **about),
        stories.feedback(feedback_id="fits", kind="correction", value_json='"five"', **about),
        stories.feedback(feedback_id="tool", kind="correction", value_json=message, supersedes="good", **about),
        stories.feedback(feedback_id="span", span=TextSpan(0, 5), **about),
        stories.feedback(feedback_id="choice", choice=3, **about),
        stories.feedback(feedback_id="foreign", tenant="other", **about),
        stories.feedback(feedback_id="early", target_trace_id="e" * 32),
    )  # fmt: skip


def test_what_only_the_call_can_tell_is_judged_as_for_every_reader(tmp_path: Path) -> None:
    """Tools, span, choice and tenant; what is good or early is not among them."""
    write(tmp_path)
    ledger = LedgerQuery(tmp_path)
    found = rejected(ledger, PERIOD)
    assert {name: why.reason for name, why in found.items()} == {
        "tool": "tool_not_offered", "span": "span_out_of_bounds", "choice": "choice_out_of_range",
        "foreign": "foreign_tenant",
    }  # fmt: skip
    told = {row["feedback_id"]: row["status"] for row in ledger.rows(coverage_queries.statuses(PERIOD, found))}
    assert {name for name, status in told.items() if status == "rejected"} == found.keys()
    assert (told["good"], told["fits"], told["early"]) == ("joined", "joined", "pending")


def test_the_audit_counts_them_apart_and_says_where_the_reason_stands(tmp_path: Path) -> None:
    """They are no evidence, and they replace nothing."""
    write(tmp_path)
    found = audit(tmp_path, PERIOD, PERIOD.until_ns)
    assert {name: found["feedback"][name] for name in ("joined", "pending", "rejected")} == {
        "joined": 2, "pending": 1, "rejected": 4,
    }  # fmt: skip
    assert "rejected_feedback" in {step["code"] for step in found["next"]}
    assert found["total"]["kinds"] == {"feedback.rating": 1, "feedback.correction": 1}


def test_nothing_is_rejected_where_nothing_was_said(tmp_path: Path) -> None:
    """An empty ledger is asked too."""
    assert rejected(LedgerQuery(tmp_path), PERIOD) == {}
