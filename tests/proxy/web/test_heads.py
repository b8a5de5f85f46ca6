"""Request heads."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.model.exchange import RequestHead
from backtalk.web.heads import HEAD_LIMIT_BYTES, MOST_WAITING, endless, head_of, unserved

HOST = [(b"host", b"x")]


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


@pytest.mark.parametrize(
    ("head", "fed_bytes", "waiting", "status"),
    [
        (RequestHead("GET", "/", b"/" * HEAD_LIMIT_BYTES, b"", HOST, {}), HEAD_LIMIT_BYTES + 1, 0, None),
        (RequestHead("GET", "/", b"/" * HEAD_LIMIT_BYTES, b"q", HOST, {}), HEAD_LIMIT_BYTES + 1, 0, 414),
        (RequestHead("GET", "/", b"/", b"", [*HOST, *[(b"a" * 1000, b"")] * 66], {}), HEAD_LIMIT_BYTES + 1, 0, 431),
        (RequestHead("GET", "/", b"/", b"", HOST, {}), 10, MOST_WAITING, 429),
        (RequestHead("GET", "/", b"/", b"", [], {}, http_version="2.0"), 10, 0, 505),
        (RequestHead("GET", "/", b"/", b"", [], {}, http_version="1.0"), 10, MOST_WAITING - 1, None),
        (RequestHead("GET", "/", b"/", b"", [], {}), 10, 0, 400),
        (RequestHead("GET", "/", b"/", b"", HOST * 2, {}), 10, 0, 400),
        (RequestHead("GET", "/", b"/", b"", HOST * 2, {}, http_version="1.0"), 10, 0, 400),
    ],
)
def test_a_head_is_refused_for_its_size_its_version_its_host_and_its_place(
    head: RequestHead, fed_bytes: int, waiting: int, status: int | None
) -> None:
    """A long target is a 414, many fields are a 431, too many requests before it a 429; at the limit none."""
    refused = unserved(head, fed_bytes, waiting=waiting)
    assert (refused.status if refused else None) == status
    assert endless().status == 431
