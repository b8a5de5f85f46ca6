"""Responses of the upstream, from bytes."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.errors import UpstreamError
from backtalk.relay.response import HEAD_LIMIT_BYTES, Response

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nx-trailer: 1\r\n\r\n"
HINTED = b"HTTP/1.1 103 Hints\r\nlink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + LENGTH


def read(response: Response, *segments: bytes) -> bytes:
    """Feed segments; gives the body that came."""
    for segment in segments:
        response.feed(segment)
    return response.take()


@given(
    said=st.lists(st.sampled_from([LENGTH, CHUNKED, HINTED]), min_size=1, max_size=3),
    cuts=st.lists(st.integers(0, 200), max_size=6),
)
def test_responses_are_read_one_after_the_other_wherever_segments_end(said: list[bytes], cuts: list[int]) -> None:
    """Status, body, end and keep-alive are what was said, for each."""
    response = Response()
    for data in said:
        places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
        response.begin(bodiless=False)
        assert not response.complete
        body = read(response, *(data[a:b] for a, b in itertools.pairwise(places)))
        assert (response.status, body) == (200, b"hello")
        assert response.complete
        assert response.framed
        assert response.keep_alive


def test_fields_are_those_of_the_final_head_in_lower_case() -> None:
    """Trailers and the fields of 1xx heads are none of them."""
    response = Response()
    response.begin(bodiless=False)
    read(response, HINTED)
    assert response.fields == [(b"content-length", b"5"), (b"x-a", b"1")]
    response.begin(bodiless=False)
    read(response, CHUNKED)
    assert [name for name, _ in response.fields] == [b"transfer-encoding"]


def test_only_a_body_without_framing_ends_with_the_connection() -> None:
    """What has a length or chunks is not whole before its framing says so."""
    response = Response()
    for data, whole in ((b"HTTP/1.1 200 OK\r\n\r\nhel", True), (LENGTH[:-1], False), (CHUNKED[:-2], False)):
        response = Response()
        response.begin(bodiless=False)
        read(response, data)
        assert not response.complete
        assert response.end() is whole


def test_a_response_to_head_has_no_body() -> None:
    """Its length is that of another."""
    response = Response()
    response.begin(bodiless=True)
    response.feed(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n")
    assert response.complete


@pytest.mark.parametrize(
    "said",
    [
        b"not http\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * (HEAD_LIMIT_BYTES + 1),
        b"HTTP/1.1 200 OK\r\n" + b"x: 1\r\n" * 20_000 + b"\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ],
)
def test_what_is_no_response_raises(said: bytes) -> None:
    """The error is the upstream's, and the connection is not used again."""
    response = Response()
    response.begin(bodiless=False)
    with pytest.raises(UpstreamError):
        response.feed(said)
    assert not response.keep_alive


@pytest.mark.parametrize("piece", [b"x-1: a\r\n" * 1000, b"a" * 9000])
def test_trailers_without_end_are_refused(piece: bytes) -> None:
    """A hostile upstream cannot fill the memory behind a body: neither with many fields nor with one."""
    response = Response()
    response.begin(bodiless=False)
    response.feed(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx: ")
    for _ in range(HEAD_LIMIT_BYTES // len(piece)):
        response.feed(piece)
    with pytest.raises(UpstreamError, match="exceed"):
        response.feed(piece)
    assert not response.complete


def test_short_trailers_end_a_response() -> None:
    """They are let go."""
    response = Response()
    response.begin(bodiless=False)
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    assert read(response, head + b"5;a=b\r\nhello\r\n0\r\nx: y\r\n\r\n") == b"hello"
    assert response.complete
    assert response.fields == [(b"transfer-encoding", b"chunked")]


def test_bytes_behind_a_whole_response_only_end_the_connection() -> None:
    """The response stands."""
    response = Response()
    response.begin(bodiless=False)
    assert read(response, LENGTH + b"garbage") == b"hello"
    assert response.complete
    assert not response.keep_alive


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"gzip", b"chunked, chunked", b"identity"])
def test_a_transfer_coding_that_is_not_undone_is_not_passed_on(coding: bytes) -> None:
    """The client would take compressed bytes for the body; it is told instead."""
    response = Response()
    response.begin(bodiless=False)
    with pytest.raises(UpstreamError, match="transfer coding") as refused:
        response.feed(b"HTTP/1.1 200 OK\r\ntransfer-encoding: " + coding + b"\r\n\r\n2\r\nhe\r\n0\r\n\r\n")
    assert (refused.value.status, refused.value.code) == (502, "upstream_transfer_coding")
