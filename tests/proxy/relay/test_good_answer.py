"""Which bodies with status 200 are answers."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.relay.good_answer import is_good

JSON = {b"content-type": b"application/json; charset=utf-8"}
EVENTS = {b"content-type": b"text/event-stream"}
CHUNK = b'data: {"choices": [{"delta": {"content": "\\"error\\""}}]}\n\n'


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices": []}',
        b'{"status": "completed", "error": null}',
        b'{"type": "message", "content": "error"}',
    ],
)
def test_a_whole_document_is_an_answer(body: bytes) -> None:
    """Whatever words are in it."""
    assert is_good(JSON, body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"error": {"message": "overloaded"}}',
        b'{"type": "error"}',
        b'{"status": "queued"}',
        b'{"status": "incomplete"}',
    ],
)
def test_a_document_that_says_that_it_failed_or_goes_on_is_none(body: bytes) -> None:
    """Routers of others answer so, and the Responses API while it works."""
    assert not is_good(JSON, body)


@pytest.mark.parametrize(
    "end",
    [
        b"data: [DONE]\n\n",
        b'event: message_stop\r\ndata: {"type": "message_stop"}\r\n\r\n',
        b'data:{"type":"response.completed"}',
    ],
)
def test_a_stream_that_says_that_it_is_over_is_an_answer(end: bytes) -> None:
    """In each dialect's own words."""
    assert is_good(EVENTS, CHUNK + end)
    assert not is_good(EVENTS, CHUNK)


@pytest.mark.parametrize(
    "event",
    [
        b'data: {"error": {"message": "cut"}}\n\n',
        b'event: error\ndata: {"type": "error"}\n\n',
        b'data: {"type": "response.failed"}\n\n',
        b"data: {\n\n",
    ],
)
def test_a_stream_in_which_something_failed_is_none(event: bytes) -> None:
    """Though it ends in order."""
    assert not is_good(EVENTS, CHUNK + event + b"data: [DONE]\n\n")


def test_of_coded_bodies_streams_are_none() -> None:
    """Their end cannot be seen without undoing the coding."""
    coded = {b"content-encoding": b"gzip"}
    assert is_good(JSON | coded, gzip.compress(b"{}"))
    assert not is_good(EVENTS | coded, gzip.compress(CHUNK + b"data: [DONE]\n\n"))


def test_sounds_and_vectors_are_answers_where_there_are_any() -> None:
    """Nothing in them says more."""
    assert is_good({b"content-type": b"audio/mpeg"}, b"\xff")
    assert not is_good({}, b"")


@given(body=st.binary(max_size=60))
def test_bytes_that_say_nothing_are_no_stream(body: bytes) -> None:
    """Whatever comes, it is decided."""
    assert is_good(EVENTS, body) is (b"data: [DONE]" in body)
