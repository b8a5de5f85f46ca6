"""Server-sent events are read as the standard says, whatever the split."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.observe.sse import Event, Parser, events

_PIECES = st.lists(
    st.sampled_from(
        [b"data: a", b"data:b", b"data", b": ping", b"event: x", b"\n", b"\r", b"\r\n", b"\xef\xbb\xbf", b"id: 1"]
    )
)


def _read(*chunks: bytes, limit_bytes: int = 1000) -> tuple[list[Event], int]:
    parser = Parser(limit_bytes)
    found = [event for chunk in chunks for event in parser.feed(chunk)]
    return found + parser.close(), parser.oversized


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\ndata: b\n\n", [Event(b"", b"a"), Event(b"", b"b")]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [Event(b"", b"a"), Event(b"", b"b")]),
        (b"data: a\r\rdata: b\r\r", [Event(b"", b"a"), Event(b"", b"b")]),
        (b"\xef\xbb\xbfdata: a\n\n", [Event(b"", b"a")]),
        (b"data: a\ndata:b\ndata:  c\n\n", [Event(b"", b"a\nb\n c")]),
        (b": ping\n\nevent: x\nid: 7\nretry: 5\ndata: a\n\n", [Event(b"x", b"a")]),
        (b"event: x\n\ndata: a\n\n", [Event(b"", b"a")]),
        (b"data\n\n", [Event(b"", b"")]),
        (b"data: a\n", [Event(b"", b"a")]),
        (b"data: a", [Event(b"", b"a")]),
        (b"", []),
        (b"\n\n\n", []),
    ],
)
def test_a_stream_is_read_line_by_line(stream: bytes, expected: list[Event]) -> None:
    """LF, CRLF and CR end lines; comments, ids and unknown fields carry no data; the last blank line may be missing."""
    assert list(events(stream)) == expected


@given(_PIECES, st.lists(st.integers(0, 60)))
def test_the_split_of_a_stream_never_shows(pieces: list[bytes], cuts: list[int]) -> None:
    """Any cut of the bytes, inside a CRLF or a byte order mark too, gives the same events."""
    stream = b"".join(pieces)
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[start:end] for start, end in pairwise(places)]
    assert _read(*chunks, limit_bytes=12) == _read(stream, limit_bytes=12)


@given(st.binary(), st.integers(1, 7))
def test_any_bytes_are_a_stream(stream: bytes, size: int) -> None:
    """No bytes raise, and piecewise reading finds what reading at once finds."""
    chunks = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert _read(*chunks)[0] == list(events(stream))


def test_an_oversized_event_is_left_out_and_counted() -> None:
    """A line, or data lines together, beyond the limit cost their own event and no other."""
    stream = b"data: " + b"x" * 50 + b"\n\ndata: a\n\ndata: 12345\ndata: 67890\n\ndata: b\n\n"
    assert _read(stream, limit_bytes=11) == ([Event(b"", b"a"), Event(b"", b"b")], 2)


def test_an_endless_line_costs_bounded_memory() -> None:
    """Bytes of a line that is already too long are not kept."""
    parser = Parser(limit_bytes=100)
    for _ in range(1000):
        assert parser.feed(b"x" * 50) == []
    assert parser.feed(b"\n\ndata: a\n\n") == [Event(b"", b"a")]
    assert parser.oversized == 1
