"""A batch becomes one journal entry, however large its calls."""

import msgspec

from backtalk.model.chat import Message, Request, Response
from backtalk.model.facts import CallClosed, CallOpened, decode_entry
from backtalk.model.ids import SpanId, TraceId
from backtalk.worker.batch import Batch


def _call(text: str) -> CallClosed:
    request = Request(messages=(Message("user", text),))
    opened = CallOpened(
        trace_id=TraceId("1" * 32),
        span_id=SpanId("2" * 16),
        server_span_id=SpanId("3" * 16),
        parent_span_id=None,
        opened_ns=1,
        boot_ns=1,
        tenant="t",
        method="POST",
        path="/v1/chat/completions",
        api="chat",
        request=request,
    )
    answer = Response(choices=(Message("assistant", text),))
    return CallClosed(opened=opened, closed_ns=2, duration_ns=1, status=200, outcome="completed", response=answer)


def test_an_entry_holds_facts_and_offsets() -> None:
    """What was added, with how far the spools are consumed; cleared, the next begins."""
    batch = Batch()
    batch.add([_call("hello")], 5)
    entry = decode_entry(batch.encode({"owner": 7}))
    assert (entry.facts, entry.consumed) == ((_call("hello"),), {"owner": 7})
    assert not batch.full
    batch.add([], 4 << 20)
    assert batch.full
    batch.clear()
    assert (batch.facts, batch.full) == ([], False)


def test_what_is_too_large_loses_its_texts() -> None:
    """The largest call goes without its texts and says so; the others stay whole."""
    batch = Batch()
    batch.add([_call("small"), _call("large" * 1000)])
    small, large = decode_entry(batch.encode({}, limit_bytes=3000)).facts
    assert small == _call("small")
    assert isinstance(large, CallClosed)
    assert (large.opened.request.messages, large.response.choices) == ((), ())
    assert (large.request_capture, large.response_capture) == ("none", "none")
    assert large.opened.request.not_understood == "the bodies are too large for the journal"


def test_a_fact_that_cannot_be_written_costs_only_itself() -> None:
    """The others are written, and it is counted; raised, it would be met again after each restart."""
    batch = Batch()
    bad = msgspec.structs.replace(_call("bad"), closed_ns=1 << 70)
    batch.add([_call("before"), bad, _call("behind")])
    assert decode_entry(batch.encode({"owner": 7})).facts == (_call("before"), _call("behind"))
    assert batch.unwritable == 1
