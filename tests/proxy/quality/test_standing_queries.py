"""Everything that was said, in order of what it is about."""

from pathlib import Path
from typing import Any

from backtalk.ledger.query import LedgerQuery
from backtalk.quality import standing_queries
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts

FIRST = stories.closed()
OTHER = stories.closed(response_id="chatcmpl-2", session_id="0ther")


def a_thumb(name: str, **fields: Any) -> Any:
    """A feedback of this id."""
    return stories.feedback(feedback_id=name, **fields)


def test_what_is_about_one_call_comes_together_whatever_its_key(tmp_path: Path) -> None:
    """By trace or by the provider's id; a repeat comes once."""
    write_facts(
        tmp_path, FIRST, OTHER,
        a_thumb("1", target_trace_id=FIRST.key.trace_id), a_thumb("1", target_trace_id=FIRST.key.trace_id),
        a_thumb("2", target_trace_id=OTHER.key.trace_id), a_thumb("3", target_response_id="chatcmpl-1"),
        a_thumb("4", target_trace_id="e" * 32),
    )  # fmt: skip
    found = list(LedgerQuery(tmp_path).rows(standing_queries.said()))
    about = {row["feedback_id"]: row["about"] for row in found}
    assert len(found) == 4
    assert about["1"] == about["3"] != about["2"]
    assert [row["fits"] for row in found if row["feedback_id"] == "4"] == [0]
    assert [row["about"] for row in found] == sorted(row["about"] for row in found)


def test_what_supersedes_something_elsewhere_comes_with_that(tmp_path: Path) -> None:
    """What is about the same call is there already."""
    write_facts(
        tmp_path, FIRST, OTHER,
        a_thumb("1", target_trace_id=FIRST.key.trace_id),
        a_thumb("2", target_trace_id=OTHER.key.trace_id, supersedes="1"),
        a_thumb("3", target_trace_id=FIRST.key.trace_id, supersedes="1"),
    )  # fmt: skip
    rows = list(LedgerQuery(tmp_path).rows(standing_queries.later()))
    about = {row["feedback_id"]: row["about"] for row in LedgerQuery(tmp_path).rows(standing_queries.said())}
    assert [(row["feedback_id"], row["about"]) for row in rows] == [("2", about["1"])]
