"""One observed call: heads, pieces and times in, frames out."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.model.exchange import RequestHead
from backtalk.model.frames import AnyFrame, Closed, Opened, Outcome, Requested, decode
from backtalk.model.meter import NoMeter
from backtalk.model.notes import CallNotes
from backtalk.observe.call import Call, Observer
from backtalk.observe.context import context_of
from backtalk.settings import FeedbackSettings, Settings
from backtalk.settings.sampling import AskSettings

ASKED = b'{"messages":[{"role":"user","content":"hello"}]}'
FIELDS = [(b"authorization", b"Bearer sk-1")]
PATH = "/v1/chat/completions"
HEAD = RequestHead("POST", PATH, PATH.encode(), b"api-version=1&key=sk-1", FIELDS, dict(FIELDS), "10.0.0.1")


class Recording:
    """A sink that keeps frames, or refuses all."""

    def __init__(self, *, takes: bool = True) -> None:
        self.frames: list[AnyFrame] = []
        self.takes = takes

    def offer(self, payload: bytes, /) -> bool:
        """Keep a frame."""
        self.frames.append(decode(payload))
        return self.takes


def new_call(sink: Recording, settings: Settings | None = None) -> Call:
    """A call of a fresh process."""
    observer = Observer(sink=sink, secret=b"s" * 32, settings=settings or Settings(), metrics=NoMeter())
    context = context_of([])
    return Call(observer, HEAD, context, CallNotes(context.traceparent, ""))


def test_a_body_in_one_piece_comes_with_the_opening() -> None:
    """Two frames: the call with its request, and its end; of the query only what is known to be no secret."""
    sink = Recording()
    call = new_call(sink)
    call.request_piece(b"{}", more=False)
    call.response_head(200, [(b"content-type", b"application/json")])
    call.response_piece(b"ok")
    call.close("completed")
    opened, closed = sink.frames
    assert isinstance(opened, Opened)
    assert isinstance(closed, Closed)
    assert (opened.body, opened.method, opened.path, opened.query) == (b"{}", "POST", HEAD.path, "api-version=1")
    assert (closed.span_id, closed.body, closed.status, closed.chunks) == (opened.span_id, b"ok", 200, 1)
    assert closed.headers == [("content-type", "application/json")]
    assert closed.duration_ns >= (closed.first_byte_ns or 0) > 0
    assert closed.boot_ns >= opened.boot_ns


@pytest.mark.parametrize(("status", "body"), [(200, ASKED), (500, ASKED), (200, b"{}")])
def test_the_app_is_told_whether_to_ask_and_the_end_says_what_was_drawn(status: int, body: bytes) -> None:
    """Where asking is on, each response says so before its body; nothing is drawn for what answers nobody."""
    sink = Recording()
    call = new_call(
        sink, Settings(feedback=FeedbackSettings(ask=AskSettings(enabled=True, inline_share=0.8, prominent_share=0.1)))
    )
    call.request_piece(body, more=False)
    said = dict(call.response_head(status, [(b"x-feedback-ask", b"prominent")]))[b"x-feedback-ask"].decode()
    call.close("completed")
    closed = sink.frames[-1]
    assert isinstance(closed, Closed)
    if status == 200 and body == ASKED:
        assert closed.ask is not None
        assert (closed.ask.arm, closed.ask.probability) in {("inline", 0.8), ("prominent", 0.1), ("none", 1 - 0.9)}
        assert closed.ask.arm == said
    else:
        assert (said, closed.ask) == ("none", None)


def test_without_asking_the_upstreams_word_passes() -> None:
    """Off adds nothing and takes nothing away: another Backtalk may stand behind this one."""
    call = new_call(Recording())
    call.request_piece(ASKED, more=False)
    assert (b"x-feedback-ask", b"inline") in call.response_head(200, [(b"x-feedback-ask", b"inline")])
    assert b"x-feedback-ask" not in dict(new_call(Recording()).response_head(200, []))


@given(pieces=st.lists(st.binary(max_size=10), max_size=5), end=st.sampled_from(["whole", "left", "unread"]))
def test_every_call_opens_and_closes_once(pieces: list[bytes], end: Literal["whole", "left", "unread"]) -> None:
    """However much of the body came, the frames are Opened, at most one Requested, Closed, and hold what came."""
    sink = Recording()
    call = new_call(sink)
    read = [] if end == "unread" else pieces
    for n, piece in enumerate(read):
        call.request_piece(piece, more=end == "left" or n < len(read) - 1)
    call.close("completed")
    call.close("failed", "again")
    kinds = [type(frame) for frame in sink.frames]
    assert kinds in ([Opened, Closed], [Opened, Requested, Closed])
    bodies = [f.body for f in sink.frames if isinstance(f, Opened | Requested) and f.body is not None]
    assert bodies == [b"".join(read)]


@pytest.mark.parametrize(
    ("noted", "ended", "outcome"),
    [
        (None, "completed", "completed"),
        ("rejected", "completed", "rejected"),
        ("upstream_timeout", "failed", "upstream_timeout"),
        ("upstream_error", "client_disconnected", "client_disconnected"),
    ],
)
def test_the_notes_say_why_a_call_was_not_answered(noted: Outcome | None, ended: Outcome, outcome: Outcome) -> None:
    """What the relay knows goes before what the passage saw, except that nobody was there to see it."""
    sink = Recording()
    call = new_call(sink)
    if noted:
        call.notes.fail(noted, "why")
        call.notes.fail("failed", "later words do not count")
    call.close(ended)
    closed = sink.frames[-1]
    assert isinstance(closed, Closed)
    assert closed.outcome == outcome


def test_overhead_is_what_neither_client_nor_upstream_took() -> None:
    """From the request's arrival until the upstream was asked, and from its head until ours went out."""
    sink = Recording()
    call = new_call(sink)
    call.request_piece(b"{}", more=False)
    start = call.uploaded_ns
    call.notes.asked_ns = start + 1_000
    call.notes.answered_ns = start + 5_000_000_000
    call.response_head(200, [])
    call.close("completed")
    closed = sink.frames[-1]
    assert isinstance(closed, Closed)
    assert closed.overhead_ns == 1_000


def test_a_sink_that_refuses_costs_nothing_but_frames() -> None:
    """No error comes of it."""
    call = new_call(Recording(takes=False))
    call.request_piece(b"{}", more=False)
    call.close("completed")
    assert call.ended
