"""Request heads."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.web.heads import HEAD_LIMIT_BYTES, endless, head_of, oversize


def parser_after(line: bytes) -> httptools.HttpRequestParser:
    """A parser that has read a request line."""
    parser = httptools.HttpRequestParser(object())
    parser.feed_data(line + b"\r\nhost: x\r\n")
    return parser


@pytest.mark.parametrize(
    ("target", "path", "raw_path", "query"),
    [
        (b"/v1/x", "/v1/x", b"/v1/x", b""),
        (b"/v1/a%20b?q=%20&&", "/v1/a b", b"/v1/a%20b", b"q=%20&&"),
        (b"http://host:80/v1/x?y", "/v1/x", b"/v1/x", b"y"),
        (b"http://host", "/", b"/", b""),
        (b"/v1/x?a?b", "/v1/x", b"/v1/x", b"a?b"),
    ],
)
def test_a_target_is_path_and_query(target: bytes, path: str, raw_path: bytes, query: bytes) -> None:
    """The path is decoded once and kept as it was sent; an absolute target means the same."""
    head = head_of(parser_after(b"POST / HTTP/1.1"), target, [(b"a", b"1"), (b"a", b"2")], "10.0.0.1")
    assert (head.path, head.raw_path, head.query) == (path, raw_path, query)
    assert (head.method, head.known, head.client) == ("POST", {b"a": b"2"}, "10.0.0.1")


@given(st.text("abc%/?=&.~", max_size=20))
def test_the_short_way_reads_targets_as_the_long_one(text: str) -> None:
    """Most targets begin with a slash and are split by hand: as httptools' own parser would."""
    target = f"/{text}".encode()
    url = httptools.parse_url(target)
    head = head_of(parser_after(b"GET / HTTP/1.1"), target, [], "")
    assert (head.raw_path, head.query) == (url.path or b"/", url.query or b"")


def test_heads_are_bounded_whichever_part_is_long() -> None:
    """A long target is a 414, many fields are a 431; at the limit neither."""
    assert oversize(b"/" * HEAD_LIMIT_BYTES, []) is None
    long, many = oversize(b"/" * (HEAD_LIMIT_BYTES + 1), []), oversize(b"/", [(b"a" * 1000, b"")] * 66)
    assert long is not None
    assert many is not None
    assert (long.status, many.status, endless().status) == (414, 431, 431)
