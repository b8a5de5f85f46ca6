"""Trace documents: what belongs to a call, and what is ambiguous."""

import json
from typing import Any

from hypothesis import given as over
from hypothesis import strategies as st

from backtalk.ledger.rows import Rows
from backtalk.ledger.schema import Row
from backtalk.model.facts import Fact, FeedbackGiven
from backtalk.model.feedback import FeedbackKind
from backtalk.model.ids import CallKey, SpanId, TraceId, new_span_id
from backtalk.testing import stories
from backtalk.web import documents

ROWS = Rows(b"secret")


def rows_of(table: str, *facts: Fact) -> list[Row]:
    """The facts' rows of one table, marked as the reader marks them."""
    return [{**row, "committed": True} for fact in facts for name, row in ROWS.of(fact) if name == table]


def document_of(*facts: Fact) -> dict[str, Any]:
    """The document of the first call's trace."""
    calls = rows_of("calls", *facts)
    return documents.trace_document(
        calls[0]["trace_id"],
        calls=calls,
        signals=rows_of("signals", *facts),
        feedback=rows_of("feedback", *facts),
        messages={row["message_id"]: row for row in rows_of("messages", *facts)},
    )


def test_call_is_shown_with_its_words() -> None:
    """What was asked and what was answered stand in the document."""
    call = document_of(stories.closed())["calls"][0]

    assert call["request"]["messages"] == [{"role": "user", "text": "Why is the sky blue?"}]
    assert call["answers"] == [{"role": "assistant", "text": "Rayleigh scattering."}]


def test_an_erased_call_shows_no_words_even_where_another_has_the_same() -> None:
    """Messages are kept once for all calls that have them: what the others keep is not shown here."""
    facts = stories.closed()
    call: dict[str, Any] = {**rows_of("calls", facts)[0], "erased_ns": 7}
    messages = {row["message_id"]: row for row in rows_of("messages", facts)}
    shown = documents.trace_document(call["trace_id"], calls=[call], signals=[], feedback=[], messages=messages)

    assert [one["text"] for one in shown["calls"][0]["request"]["messages"]] == [None]
    assert [one["text"] for one in shown["calls"][0]["answers"]] == [None]


def test_signal_stands_at_the_call_it_is_about_and_at_the_one_that_shows_it() -> None:
    """A regeneration is about the earlier call; the later one says what it showed."""
    first, second = stories.closed(), stories.closed()
    found = stories.signal(first.key, second.key)

    assert [one["kind"] for one in document_of(first, found)["calls"][0]["signals"]] == ["regeneration"]
    assert [one["kind"] for one in document_of(second, found)["calls"][0]["shows"]] == ["regeneration"]


def test_session_is_the_latest_link() -> None:
    """A link that supersedes another one is the one shown."""
    call = stories.closed()
    first, second = stories.linked(call.opened), stories.linked(call.opened, session_id="2nd", rule="next_turn")

    assert document_of(call, first, second)["calls"][0]["session"]["session_id"] == "2nd"


def test_feedback_by_trace_lands_where_the_trace_has_one_call() -> None:
    """A trace id names a call as long as it is alone in its trace."""
    call = stories.closed()
    given = stories.feedback(target_trace_id=call.opened.trace_id)

    assert [one["value"] for one in document_of(call, given)["calls"][0]["feedback"]] == [False]


def test_feedback_that_fits_two_calls_belongs_to_none() -> None:
    """A trace of two calls makes a trace id ambiguous; the candidates are listed."""
    first = stories.closed()
    key = first.key._replace(span_id=new_span_id())
    second = stories.closed(call=stories.opened(key=key))
    given = stories.feedback(target_trace_id=key.trace_id)

    document = document_of(first, second, given)

    assert [call["feedback"] for call in document["calls"]] == [[], []]
    assert {one["span_id"] for one in document["ambiguous_feedback"][0]["candidates"]} == {
        first.key.span_id,
        second.key.span_id,
    }


def test_span_id_tells_the_calls_of_a_trace_apart() -> None:
    """With the span id, the feedback lands on the exact call."""
    first = stories.closed()
    later_ns = stories.NOON_NS + 1
    second = stories.closed(call=stories.opened(key=first.key._replace(span_id=new_span_id()), opened_ns=later_ns))
    given = stories.feedback(target_trace_id=second.key.trace_id, target_span_id=second.key.span_id)

    assert [len(call["feedback"]) for call in document_of(first, second, given)["calls"]] == [0, 1]


def test_traceparent_that_the_app_sent_means_the_call_below_it() -> None:
    """An app that knows only its own traceparent reaches the call it made under it."""
    parent = new_span_id()
    call = stories.closed(call=stories.opened(parent_span_id=parent))
    given = stories.feedback(target_trace_id=call.key.trace_id, target_parent_span_id=parent)

    assert len(document_of(call, given)["calls"][0]["feedback"]) == 1


def test_feedback_of_another_tenant_never_lands_and_is_only_counted() -> None:
    """Knowing a key of somebody else's call changes nothing about it, and puts no words into its document."""
    call = stories.closed()
    given = stories.feedback(target_trace_id=call.key.trace_id, tenant="mallory", comment="read me")

    document = document_of(call, given)

    assert document["calls"][0]["feedback"] == document["pending_feedback"] == []
    assert document["foreign_feedback_count"] == 1
    assert "read me" not in json.dumps(document)


KEY = CallKey(TraceId("a" * 32), SpanId("1" * 16))
FIRST = stories.opened(key=KEY)
SECOND = stories.opened(key=KEY._replace(span_id=SpanId("2" * 16)), opened_ns=stories.NOON_NS + 1)
WHOLE: tuple[Fact, ...] = (
    stories.closed(call=FIRST),
    stories.closed(call=SECOND, response_id="chatcmpl-2"),
    stories.linked(FIRST),
    stories.linked(FIRST, session_id="later", linked_ns=stories.NOON_NS + 5),
    stories.signal(KEY, SECOND.key),
    stories.signal(KEY, SECOND.key, kind="follow_up"),
)
"""Two calls of one trace, their links, and what was noticed."""


@st.composite
def said(draw: st.DrawFn, number: int) -> Fact:
    """Anything that may be said of these calls, of one that never comes or of nothing but another feedback."""
    earlier = st.integers(0, number + 2).map(_id)
    target: dict[str, Any] = draw(
        st.sampled_from(
            [
                {"target_trace_id": KEY.trace_id, "target_span_id": KEY.span_id},
                {"target_trace_id": KEY.trace_id},
                {"target_trace_id": KEY.trace_id, "target_span_id": SpanId("9" * 16)},
                {"target_response_id": "chatcmpl-2"},
                {"target_session_id": "5e55"},
            ]
        )
    )
    kind: FeedbackKind = draw(st.sampled_from(["rating", "outcome", "comment", "retraction"]))
    if kind == "retraction":
        target = {}
    return FeedbackGiven(
        feedback_id=_id(number),
        trace_id=TraceId("f" * 32),
        span_id=SpanId("f" * 16),
        kind=kind,
        value_json={"comment": '"no"', "retraction": "null"}.get(kind, draw(st.sampled_from(["true", "false"]))),
        metric="solved" if kind == "outcome" else None,
        given_ns=stories.NOON_NS + draw(st.integers(0, 3)),
        at_ns=draw(st.none() | st.integers(0, 3)),
        rater=draw(st.sampled_from([None, "ann", "bob"])),
        tenant=draw(st.sampled_from(["acme", "acme", "acme", "mallory"])),
        channel=draw(st.sampled_from(["api", "token"])),
        supersedes=draw(earlier if kind == "retraction" else st.none() | earlier),
        **target,
    )


def _id(number: int) -> str:
    return f"{number:032x}"


@over(st.data())
def test_the_order_in_which_facts_come_changes_nothing(data: st.DataObject) -> None:
    """Calls, feedback before and after them, what supersedes and retracts: any order makes the same document.

    That is: the same state of each feedback, at the same call, in the same place.
    """
    facts = [*WHOLE, *(data.draw(said(number)) for number in range(data.draw(st.integers(0, 7))))]
    mixed = data.draw(st.permutations(facts))
    documents_of = [
        documents.trace_document(
            KEY.trace_id,
            calls=rows_of("calls", *order),
            signals=rows_of("signals", *order),
            feedback=rows_of("feedback", *order),
            messages={row["message_id"]: row for row in rows_of("messages", *order)},
        )
        for order in (facts, mixed)
    ]
    assert documents_of[0] == documents_of[1]
