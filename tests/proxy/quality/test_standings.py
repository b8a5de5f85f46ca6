"""What all feedback is worth, streamed, is what each reader says of it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtalk.ledger.days import day
from backtalk.ledger.effective import effective
from backtalk.ledger.query import LedgerQuery
from backtalk.ledger.reader import LedgerReader
from backtalk.quality.coverage_queries import Period
from backtalk.quality.standings import standings_between
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts, write_rows

NOON_NS = stories.NOON_NS
PERIOD = Period(NOON_NS, NOON_NS + 60)
traces = st.sampled_from([letter * 32 for letter in "abc"])
spans = st.sampled_from([letter * 16 for letter in "cd"])
tenants = st.sampled_from(["acme", "other"])
calls = st.lists(
    st.fixed_dictionaries(
        {"trace_id": traces, "span_id": spans, "response_id": st.sampled_from([None, "r1"]), "tenant": tenants}
    ),
    max_size=5,
    unique_by=lambda call: (call["trace_id"], call["span_id"]),
)
keys = st.one_of(
    st.fixed_dictionaries({"trace_id": traces, "span_id": st.none() | spans}),
    st.just({"response_id": "r1"}),
    st.just({"session_id": "s1"}),
)
said = st.tuples(
    keys,
    st.fixed_dictionaries(
        {
            "feedback_id": st.sampled_from("12345"),
            "tenant": tenants,
            "given_ns": st.integers(NOON_NS - 20, NOON_NS + 79),
            "kind": st.sampled_from(["rating", "rating", "comment", "retraction", "correction"]),
            "rater": st.sampled_from([None, "ada"]),
            "source": st.sampled_from([None, "end_user", "expert"]),
            "channel": st.sampled_from(["api", "token"]),
            "supersedes": st.sampled_from([None, None, *"12345"]),
            "span_end": st.sampled_from([None, None, 3, 30]),
        }
    ),
).map(lambda pair: {**pair[0], **pair[1], "value_json": '"Better."'})


def told(found: Any) -> list[tuple[Any, ...]]:
    """Each feedback with its state."""
    return sorted((one.row["feedback_id"], one.row["item"] or 0, one.state, one.reason or "") for one in found)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    calls=calls,
    feedback=st.lists(said, max_size=5, unique_by=lambda one: one["feedback_id"]),
    part_rows=st.sampled_from([1, 1_000]),
)
def test_the_stream_and_the_reader_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, calls: list[Any], feedback: list[Any], part_rows: int
) -> None:
    """Whatever supersedes what, in whatever tenant and part, of whichever call."""
    at: dict[str, Any] = {"dt": day(NOON_NS), "opened_ns": NOON_NS, "session_id": "s1", "answer_ids": ["m1"]}
    dated = [one | {"dt": day(one["given_ns"])} for one in feedback]
    message = {"dt": day(NOON_NS), "message_id": "m1", "char_count": 10, "first_seen_ns": NOON_NS}
    root = write_rows(
        tmp_path_factory.mktemp("ledger"),
        {"calls": [at | call for call in calls], "feedback": dated, "messages": [message]},
    )
    reader = LedgerReader(root)

    found = standings_between(LedgerQuery(root), PERIOD, part_rows=part_rows)

    assert told(found) == told(effective(reader, reader.feedback_between(*PERIOD)))


def test_nothing_was_said(tmp_path: Path) -> None:
    """Then nothing has a standing."""
    write_facts(tmp_path, stories.closed())
    assert list(standings_between(LedgerQuery(tmp_path), PERIOD)) == []
