"""The body of a request that wished for another protocol."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.model.exchange import RequestHead
from backtalk.web.body_only import BodyOnly, head_for_body

LENGTH = (b"content-length", b"3")
CHUNKED = (b"transfer-encoding", b"chunked")


def head(*fields: tuple[bytes, bytes]) -> RequestHead:
    """A head that wishes for another protocol."""
    wish = [(b"connection", b"upgrade"), (b"upgrade", b"h2c")]
    return RequestHead("POST", "/", b"/", b"", [*wish, *fields], {})


@pytest.mark.parametrize(("framing", "rest"), [(LENGTH, b"abc"), (CHUNKED, b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n")])
@given(behind=st.sampled_from([b"", b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nX"]))
def test_the_body_is_read_and_nothing_behind_it(framing: tuple[bytes, bytes], rest: bytes, behind: bytes) -> None:
    """Whatever its framing; its end is said once."""
    pieces: list[bytes] = []
    ends: list[bool] = []
    parser = httptools.HttpRequestParser(BodyOnly(pieces.append, lambda: ends.append(True)))
    parser.feed_data(head_for_body(head(framing)) + rest + behind)
    assert (b"".join(pieces), ends) == (b"abc", [True])


def test_the_wish_is_not_repeated() -> None:
    """Else the parser would stop again."""
    assert b"upgrade" not in head_for_body(head(LENGTH))
