"""Calls that feedback can find."""

from backtalk.model.chat import Request
from backtalk.model.ids import SpanId, new_span_id, new_trace_id
from backtalk.plugin.call_index import CallIndex
from backtalk.plugin.verdicts import of_signal
from backtalk.testing.facts import closed_call, feedback, opened_call, signal


def test_call_is_found_by_every_key() -> None:
    """By response id, by trace, by its own span and by the span that the app had sent."""
    sent = new_span_id()
    call = closed_call(opened=opened_call(parent_span_id=sent))
    index = CallIndex()
    index.add(call)
    index.add(call)
    trace_id = call.opened.trace_id
    assert index.target_of(feedback(target_response_id=call.response.id)) == call.key
    assert index.target_of(feedback(target_trace_id=trace_id)) == call.key
    assert index.target_of(feedback(target_trace_id=trace_id, target_parent_span_id=sent)) == call.key
    assert index.target_of(feedback(target_trace_id=trace_id, target_parent_span_id=call.opened.span_id)) == call.key


def test_whole_key_needs_no_look_up() -> None:
    """Early feedback that names trace and span is linked before the call is known."""
    target = feedback(target_trace_id=new_trace_id(), target_span_id=new_span_id())
    assert CallIndex().target_of(target) == (target.target_trace_id, target.target_span_id)


def test_several_calls_of_a_trace_are_ambiguous() -> None:
    """Nobody guesses which of two calls is meant."""
    first = opened_call()
    index = CallIndex()
    index.add(closed_call(opened=first))
    index.add(closed_call(opened=opened_call(trace_id=first.trace_id)))
    assert index.target_of(feedback(target_trace_id=first.trace_id)) is None


def test_other_tenants_calls_are_not_found() -> None:
    """A response id is known only within its tenant."""
    call = closed_call()
    index = CallIndex()
    index.add(call)
    assert index.target_of(feedback(target_response_id=call.response.id, tenant="t2")) is None
    assert index.target_of(feedback(target_trace_id=call.opened.trace_id, tenant="t2")) is None


def test_oldest_calls_are_forgotten() -> None:
    """The index keeps its size; what remains of a trace can become unambiguous."""
    index = CallIndex(limit=2)
    calls = [closed_call() for _ in range(4)]
    for call in calls:
        index.add(call)
    found = [index.target_of(feedback(target_response_id=call.response.id)) for call in calls]
    assert found == [None, None, calls[2].key, calls[3].key]
    assert len(index) == 2


def test_feedback_on_a_session_has_no_call() -> None:
    """A session is not a call."""
    assert CallIndex().target_of(feedback(target_session_id="s1")) is None
    assert (
        CallIndex().target_of(feedback(target_trace_id=new_trace_id(), target_parent_span_id=SpanId("0" * 16))) is None
    )


def test_a_known_call_is_described_by_model_and_prompt() -> None:
    """As far as the app named them; of an unknown call nothing is said."""
    call = closed_call(opened=opened_call(request=Request(model="m", prompt_version="7")))
    index = CallIndex()
    verdict = of_signal(signal(call.key))
    assert index.described(verdict) == verdict
    index.add(call)
    told = dict(index.described(verdict).details)
    assert (told["backtalk.target.model"], told["backtalk.target.prompt.version"]) == ("m", "7")
