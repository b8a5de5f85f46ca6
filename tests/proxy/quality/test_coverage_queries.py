"""The audit's questions, asked of real tables."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtalk.ledger.days import day
from backtalk.ledger.query import LedgerQuery
from backtalk.ledger.targets import targets
from backtalk.model.facts import Fact
from backtalk.quality import coverage_queries
from backtalk.quality.coverage_queries import Period
from backtalk.testing import stories
from backtalk.testing.ledgers import write_facts, write_rows

NOON_NS = stories.NOON_NS
HOUR_NS = 3_600 * 10**9
AROUND = Period(NOON_NS - HOUR_NS, NOON_NS + HOUR_NS)
Rows = list[dict[str, Any]]

traces = st.sampled_from([letter * 32 for letter in "ab"])
spans = st.sampled_from([letter * 16 for letter in "cdef"])
maybe_spans = st.none() | spans
responses = st.none() | st.sampled_from(["resp-1", "resp-2"])
tenants = st.sampled_from(["acme", "other"])
calls = st.lists(
    st.fixed_dictionaries(
        {
            "trace_id": traces,
            "span_id": spans,
            "parent_span_id": maybe_spans,
            "response_id": responses,
            "tenant": tenants,
        }
    ),
    max_size=8,
    unique_by=lambda call: (call["trace_id"], call["span_id"]),
)
keys = st.one_of(
    st.fixed_dictionaries({"trace_id": traces, "span_id": maybe_spans}),
    st.fixed_dictionaries({"trace_id": traces, "parent_span_id": spans}),
    st.fixed_dictionaries({"response_id": responses.filter(bool)}),
)


def ask(root: Path, query: str) -> Rows:
    """The answer's rows."""
    return list(LedgerQuery(root).rows(query))


def everything(root: Path, period: Period = AROUND) -> dict[str, Any]:
    """The row about all answers."""
    rows = ask(root, coverage_queries.segments(period))
    return next(row for row in rows if all(row[name] is None for name in coverage_queries.DIMENSIONS))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=calls, said=st.lists(st.tuples(keys, tenants), max_size=8))
def test_a_feedback_means_the_call_that_targets_says(
    tmp_path_factory: pytest.TempPathFactory, calls: Rows, said: list[tuple[dict[str, Any], str]]
) -> None:
    """The SQL and the pure function are one rule, for every key, with several tenants and shared ids."""
    at: dict[str, Any] = {"dt": day(NOON_NS), "opened_ns": NOON_NS, "given_ns": NOON_NS}
    feedback = [
        {**at, **key, "tenant": who, "feedback_id": str(n), "kind": "rating"} for n, (key, who) in enumerate(said)
    ]
    root = write_rows(
        tmp_path_factory.mktemp("ledger"), {"calls": [{**at, **call} for call in calls], "feedback": feedback}
    )

    found = {row["feedback_id"]: row for row in ask(root, coverage_queries.statuses(AROUND))}

    for row in feedback:
        fitting = targets(row, calls)
        status = "joined" if len(fitting) == 1 else "ambiguous" if fitting else "pending"
        assert found[row["feedback_id"]]["status"] == status
        if status == "joined":
            meant = found[row["feedback_id"]]
            assert (meant["call_trace_id"], meant["call_span_id"]) == (fitting[0]["trace_id"], fitting[0]["span_id"])
    assert len(found) == len(feedback)


def test_a_repeat_with_another_key_counts_once_with_its_first_key(tmp_path: Path) -> None:
    """The first row of a feedback id stands, as for every other reader."""
    call = stories.closed()
    first = stories.feedback(feedback_id="fb", given_ns=NOON_NS, target_trace_id=call.key.trace_id)
    again = stories.feedback(feedback_id="fb", given_ns=NOON_NS + 1, target_trace_id="e" * 32)
    write_facts(tmp_path, call, first, again)
    assert [row["status"] for row in ask(tmp_path, coverage_queries.statuses(AROUND))] == ["joined"]


def story() -> tuple[Fact, ...]:
    """Four answers: one rated, one with a signal, one marked by a neutral signal, one failed; and no answers."""
    rated, stopped, marked = stories.closed(), stories.closed(), stories.closed(response_id="chatcmpl-2")
    failed = stories.closed(status=500)
    title = stories.closed()
    embedded = stories.closed(call=stories.opened(api="embeddings", path="/v1/embeddings"))
    return (
        rated, stopped, marked, failed, title, embedded,
        stories.feedback(target_trace_id=rated.key.trace_id),
        stories.signal(stopped.key, stopped.key, kind="stop"),
        stories.signal(marked.key, marked.key, kind="topic_change", polarity="neutral"),
        stories.linked(title.opened, rule="auxiliary"),
    )  # fmt: skip


def test_each_answer_is_counted_by_what_is_known_of_it(tmp_path: Path) -> None:
    """A neutral signal is no knowledge, a failure is; a side call and another API are no answers."""
    write_facts(tmp_path, *story())
    row = everything(tmp_path)
    known = {name: row[name] for name in coverage_queries.COUNTS}
    assert known == {
        "calls": 4, "failed": 1, "sessionless": 0, "explicit": 1, "implicit": 1, "outcome": 0, "gold": 0,
        "of_session": 0, "silent": 1,
    }  # fmt: skip
    assert ask(tmp_path, coverage_queries.apart(AROUND)) == [{"api": "embeddings", "calls": 1}]


def test_kinds_tell_signals_from_feedback(tmp_path: Path) -> None:
    """A complaint noticed in traffic and a corrected answer are both called correction."""
    call = stories.closed()
    better = stories.feedback(kind="correction", value_json='"Better."', target_trace_id=call.key.trace_id)
    write_facts(tmp_path, call, better, stories.signal(call.key, call.key, kind="correction"))
    found = {(row["fact"], row["kind"]): row["calls"] for row in ask(tmp_path, coverage_queries.kinds(AROUND))}
    assert found == {("feedback", "correction"): 1, ("signal", "correction"): 1}


def test_feedback_about_a_session_speaks_of_its_answers(tmp_path: Path) -> None:
    """By the session's id or the name that the app gave; it is joined, and no answer of it is silent."""
    call, other = stories.closed(session_id="5e55"), stories.closed(session_id="0ther")
    write_facts(tmp_path, call, other, stories.feedback(target_session_id="5e55"))
    assert (everything(tmp_path)["of_session"], everything(tmp_path)["silent"]) == (1, 1)
    assert [row["status"] for row in ask(tmp_path, coverage_queries.joins(AROUND, NOON_NS))] == ["joined"]


def test_the_period_is_of_answers(tmp_path: Path) -> None:
    """Its first instant is in it, its last is not; feedback that came later still counts."""
    call = stories.closed()
    late = stories.feedback(target_trace_id=call.key.trace_id, given_ns=NOON_NS + 40 * 24 * HOUR_NS)
    write_facts(tmp_path, call, late)
    assert everything(tmp_path, Period(NOON_NS, NOON_NS + 1))["explicit"] == 1
    assert all(row["calls"] == 0 for row in ask(tmp_path, coverage_queries.segments(Period(0, NOON_NS))))


@pytest.mark.parametrize(
    ("age_ns", "name"),
    [
        (HOUR_NS - 1, "under 1 hour"),
        (HOUR_NS, "under 1 day"),
        (29 * 24 * HOUR_NS, "under 30 days"),
        (31 * 24 * HOUR_NS, "older"),
    ],
)
def test_never_joined_feedback_has_its_age(tmp_path: Path, age_ns: int, name: str) -> None:
    """From when it was given until now."""
    write_facts(tmp_path, stories.feedback(target_response_id="gone", given_ns=NOON_NS))
    [row] = ask(tmp_path, coverage_queries.joins(AROUND, NOON_NS + age_ns))
    assert (row["status"], row["key"], row["age"]) == ("pending", "response_id", name)


def test_an_evaluations_answers_stand_apart(tmp_path: Path) -> None:
    """They are no answers that a user could have judged; how many there were is said under their purpose."""
    user, exam = stories.closed(), stories.closed(call=stories.with_purpose("evaluation"))
    said = [stories.feedback(target_trace_id=call.key.trace_id) for call in (user, exam)]
    write_facts(tmp_path, user, exam, *said)

    assert (everything(tmp_path)["calls"], everything(tmp_path)["explicit"]) == (1, 1)
    assert ask(tmp_path, coverage_queries.apart(AROUND)) == [{"api": "evaluation", "calls": 1}]


def test_system_prompts_tell_answers_apart(tmp_path: Path) -> None:
    """By the content address of the first message, where it is the app's instruction."""
    write_rows(
        tmp_path,
        {
            "messages": [
                {"dt": day(NOON_NS), "message_id": "rules", "role": "system"},
                {"dt": day(NOON_NS), "message_id": "hello", "role": "user"},
            ],
            "calls": [
                {"dt": day(NOON_NS), "trace_id": "a" * 32, "span_id": name * 16, "opened_ns": NOON_NS, "api": "chat",
                 "outcome": "completed", "status": 200, "message_ids": [first, "hello"]}
                for name, first in (("a", "rules"), ("b", "rules"), ("c", "hello"))
            ],
        },
    )  # fmt: skip
    rows = ask(tmp_path, coverage_queries.segments(AROUND))
    assert {row["prompt"]: row["calls"] for row in rows if row["prompt"] is not None} == {"rules": 2, "": 1}


def known(root: Path) -> dict[str, int]:
    """What is known of the answers, without what is nothing."""
    row = everything(root)
    return {name: row[name] for name in coverage_queries.COUNTS[3:] if row[name]}


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        ({"kind": "rating"}, "explicit"),
        ({"kind": "outcome", "metric": "resolved"}, "outcome"),
        ({"kind": "event", "value_json": '"copied"'}, "implicit"),
        ({"kind": "label", "source": "reviewer"}, "gold"),
        ({"kind": "rating", "source": "reviewer"}, "gold"),
        ({"kind": "label", "source": "model_judge"}, "silent"),
        ({"kind": "survey", "value_json": '{"answers":{"clear?":true},"state":"answered"}'}, "explicit"),
        ({"kind": "survey", "value_json": '{"answers":{},"state":"declined"}'}, "silent"),
    ],
)
def test_who_says_what_makes_it_knowledge(tmp_path: Path, said: dict[str, Any], counted: str) -> None:
    """A reviewer's word is gold, a model's is none; a survey that nobody answered says nothing."""
    call = stories.closed()
    write_facts(tmp_path, call, stories.feedback(target_trace_id=call.key.trace_id, **said))
    assert known(tmp_path) == {counted: 1}


def test_what_was_replaced_or_taken_back_counts_no_more(tmp_path: Path) -> None:
    """Only by its own tenant, and by a page's token only what an end user said of the same trace."""
    first, second = stories.closed(), stories.closed()
    write_facts(
        tmp_path, first, second,
        stories.feedback(feedback_id="a", target_trace_id=first.key.trace_id),
        stories.feedback(feedback_id="b", target_trace_id=second.key.trace_id),
        stories.feedback(feedback_id="c", kind="retraction", value_json="null", supersedes="a"),
        stories.feedback(feedback_id="d", kind="retraction", value_json="null", supersedes="b", tenant="other"),
        stories.feedback(feedback_id="e", kind="retraction", value_json="null", supersedes="b", channel="token"),
    )  # fmt: skip
    assert known(tmp_path) == {"explicit": 1, "silent": 1}
    for _ in range(12):
        told = {row["feedback_id"] for row in ask(tmp_path, coverage_queries.statuses(AROUND))}
        assert told == {"b"}, "the same question has the same answer, however its joins are scheduled"


def test_a_ranking_speaks_of_each_of_its_calls_and_is_one_feedback(tmp_path: Path) -> None:
    """Joined only once all of them are there."""
    calls = [stories.closed(), stories.closed()]
    at = {"dt": day(NOON_NS), "given_ns": NOON_NS, "tenant": "acme", "feedback_id": "fb", "kind": "ranking"}
    ranked = [{**at, "item": number, **call.key._asdict()} for number, call in enumerate(calls)]
    write_facts(tmp_path, *calls)
    write_rows(tmp_path, {"feedback": ranked})
    assert known(tmp_path) == {"explicit": 2}
    [row] = ask(tmp_path, coverage_queries.joins(AROUND, NOON_NS))
    assert (row["status"], row["feedback"]) == ("joined", 1)
    write_rows(tmp_path, {"feedback": [{**at, "item": 2, "trace_id": "e" * 32}]})
    assert [one["status"] for one in ask(tmp_path, coverage_queries.statuses(AROUND))] == ["pending"]


def test_signals_count_as_the_last_replay_says(tmp_path: Path) -> None:
    """One that was withdrawn is none; one that a model gave is an opinion and no knowledge."""
    withdrawn, judged, kept = (stories.closed() for _ in range(3))
    gone = {
        "dt": day(NOON_NS), "fact": "withdrawal", "replay": 1, "signal_id": f"stop-{withdrawn.key.span_id}",
        "kind": "stop", **withdrawn.key._asdict(),
    }  # fmt: skip
    write_facts(
        tmp_path, withdrawn, judged, kept,
        stories.signal(withdrawn.key, withdrawn.key, kind="stop"),
        stories.signal(judged.key, judged.key, kind="correction", provenance="llm"),
        stories.signal(kept.key, kept.key, kind="stop"),
    )  # fmt: skip
    write_rows(tmp_path, {"signals": [gone]})
    assert known(tmp_path) == {"implicit": 1, "silent": 2}
    found = {(row["fact"], row["kind"]): row["calls"] for row in ask(tmp_path, coverage_queries.kinds(AROUND))}
    assert found == {("signal", "stop"): 1, ("opinion", "correction"): 1}
