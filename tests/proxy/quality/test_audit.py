"""The audit's document from a real ledger."""

import json
from pathlib import Path

from backtalk.quality.audit import audit
from backtalk.quality.coverage_queries import Period
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts

DAY_NS = 86_400 * 10**9
PERIOD = Period(stories.NOON_NS - DAY_NS, stories.NOON_NS + DAY_NS)


def test_the_document_says_what_is_known_and_what_to_do(tmp_path: Path) -> None:
    """Thirty answers, one rated; one feedback by a key that nothing has."""
    calls = [stories.closed(response_id=f"chatcmpl-{number}") for number in range(30)]
    thumb = stories.feedback(target_trace_id=calls[0].key.trace_id)
    write_facts(tmp_path, *calls, thumb, stories.feedback(target_response_id="gone"))

    found = audit(tmp_path, PERIOD, stories.NOON_NS + DAY_NS)

    assert [found["total"]["calls"], *(found["total"][name]["calls"] for name in ("explicit", "silent"))] == [30, 1, 29]
    [main] = found["segments"]["model and endpoint"]["listed"]
    assert (main["model"], main["path"], main["kinds"]) == ("small", "/v1/chat/completions", {"feedback.rating": 1})
    assert (found["feedback"]["joined"], found["feedback"]["pending"]) == (1, 1)
    [lost] = found["feedback"]["never_joined"]
    assert (lost["key"], lost["age"], lost["feedback"]) == ("response_id", "under 1 day", 1)
    assert [step["code"] for step in found["next"]] == ["no_gold", "no_signal", "no_outcome", "pending_feedback"]
    json.dumps(found)


def test_feedback_that_just_came_is_not_lost(tmp_path: Path) -> None:
    """It may be early; it is counted as pending and nothing is advised."""
    write_facts(tmp_path, stories.feedback(target_response_id="soon", given_ns=stories.NOON_NS))
    found = audit(tmp_path, PERIOD, stories.NOON_NS + 1)
    assert found["feedback"]["pending"] == 1
    assert found["next"] == []


def test_an_empty_ledger_has_a_document_too(tmp_path: Path) -> None:
    """With nothing in it, and no advice out of nothing."""
    found = audit(tmp_path, PERIOD, stories.NOON_NS)
    assert (found["total"]["calls"], found["next"], found["segments"]) == (0, [], {})
