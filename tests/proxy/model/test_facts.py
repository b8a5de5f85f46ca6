"""Facts: what the journal keeps is what was decided."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.model import facts
from backtalk.model.chat import Message, Request, Response
from backtalk.model.erased import Erased
from backtalk.model.ids import CallKey, SpanId, TraceId

KEY = CallKey(TraceId("a" * 32), SpanId("b" * 16))
OPENED = facts.CallOpened(
    trace_id=KEY.trace_id,
    span_id=KEY.span_id,
    server_span_id=SpanId("c" * 16),
    parent_span_id=None,
    opened_ns=1,
    boot_ns=2,
    tenant="t",
    method="POST",
    path="/v1/chat/completions",
    api="chat",
    request=Request(model="m", messages=(Message(role="user", text="hi"),)),
)
CLOSED = facts.CallClosed(
    opened=OPENED, closed_ns=2, duration_ns=1, status=200, outcome="completed", response=Response(id="r")
)
FACTS: list[facts.Fact] = [
    OPENED,
    CLOSED,
    facts.SessionLinked(
        trace_id=KEY.trace_id, span_id=KEY.span_id, session_id="s", rule="new", confidence=1.0, linked_ns=1, parent=KEY
    ),
    facts.SignalFound(
        signal_id="i", kind="stop", about=KEY, shown_by=KEY, probability=0.9, found_ns=1, tenant="t", session_id="s",
        detector="stop", detector_version="1", evidence={"t": "a", "n": 1, "share": 0.5, "sure": True, "no": None},
    ),
    facts.CallRelated(kind="duplicate", about=KEY, shown_by=KEY, tenant="t", found_ns=1),
    facts.FeedbackGiven(
        feedback_id="f", kind="rating", value_json="true", tenant="t", given_ns=1, trace_id=KEY.trace_id,
        span_id=KEY.span_id,
    ),
    Erased(erasure_id="e", by="user", subject="h", erased_ns=3, actor="operator", reason="asked for"),
]  # fmt: skip


def test_every_kind_of_fact_comes_back() -> None:
    """An entry survives encoding with all its kinds, keys as keys and evidence with its types."""
    entry = facts.JournalEntry(facts=tuple(FACTS), consumed={"owner": 12}, dropped=1)
    decoded = facts.decode_entry(facts.encode_entry(entry))
    assert decoded == entry
    assert isinstance(decoded.facts[3], facts.SignalFound)
    assert isinstance(decoded.facts[3].about, CallKey)


def test_every_kind_of_fact_is_tried_here() -> None:
    """A new fact joins the list above."""
    assert {type(fact) for fact in FACTS} == set(facts.Fact.__args__)


def test_fact_with_more_fields_is_still_read() -> None:
    """An older reader passes over what a newer writer says."""
    newer = msgspec.msgpack.decode(facts.encode_entry(facts.JournalEntry(facts=(OPENED,))))
    newer["facts"][0]["from_the_future"] = 1
    assert facts.decode_entry(msgspec.msgpack.encode(newer)).facts == (OPENED,)


@given(st.binary())
def test_any_bytes_are_an_entry_or_an_error(payload: bytes) -> None:
    """Nothing but `MsgspecError` is raised."""
    try:
        entry = facts.decode_entry(payload)
    except msgspec.MsgspecError:
        return
    assert isinstance(entry, facts.JournalEntry)


@pytest.mark.parametrize("fact", [OPENED, CLOSED, FACTS[2]], ids=["opened", "closed", "linked"])
def test_facts_of_one_call_share_its_key(fact: facts.CallOpened | facts.CallClosed | facts.SessionLinked) -> None:
    """The key is trace id and span id, wherever they are kept."""
    assert fact.key == KEY


def test_facts_are_never_changed() -> None:
    """A correction is a new fact."""
    with pytest.raises(AttributeError):
        setattr(OPENED, "tenant", "other")  # noqa: B010 -- written as an attribute it would be refused by the type checkers
