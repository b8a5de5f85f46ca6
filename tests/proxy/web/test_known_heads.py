"""Heads that came before."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.model.exchange import RequestHead
from backtalk.web.heads import head_of
from backtalk.web.known_heads import KnownHeads


def message(body: bytes, *, key: bytes = b"sk-1", name: bytes = b"Content-Length") -> bytes:
    """A whole request."""
    head = b"POST /v1/x?a=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n%b: %d\r\nX-End: 1\r\n\r\n"
    return head % (key, name, len(body)) + body


def parsed(data: bytes) -> RequestHead:
    """The head as the parser reads it."""
    fields: list[tuple[bytes, bytes]] = []

    class Fields:
        def on_header(self, name: bytes, value: bytes) -> None:
            fields.append((name.lower(), value))

    parser = httptools.HttpRequestParser(Fields())
    parser.feed_data(data)
    return head_of(parser, b"/v1/x?a=1", fields, "10.0.0.1")


@given(
    first=st.binary(max_size=20),
    second=st.binary(max_size=2000),
    name=st.sampled_from([b"Content-Length", b"content-length"]),
)
def test_a_head_that_comes_again_is_what_the_parser_would_read(first: bytes, second: bytes, name: bytes) -> None:
    """Whatever the length of its body; the client is the connection's."""
    heads = KnownHeads()
    came = KnownHeads.message(message(first, name=name))
    assert came is not None
    assert heads.find(came, "10.0.0.1") is None
    heads.learn(came, parsed(message(first, name=name))._replace(client="elsewhere"), keep_alive=True)
    again = KnownHeads.message(message(second, name=name))
    assert again is not None
    known = heads.find(again, "10.0.0.1")
    assert known is not None
    assert known.head._replace(derived=None) == parsed(message(second, name=name))
    assert (known.keep_alive, again.body) == (True, second)


@pytest.mark.parametrize(
    "data",
    [
        message(b"abc")[:-1],
        message(b"abc") + b"POST",
        message(b"abc", name=b"x-length"),
        message(b"abc", name=b"transfer-encoding: chunked\r\ncontent-length").replace(
            b"X-End", b"content-length: 9\r\nx"
        ),
        message(b"", key=b"k" * 9_000),
        b"POST / HTTP/1.1\r\ncontent-length: 0",
        b"",
    ],
)
def test_what_is_not_one_whole_message_goes_to_the_parser(data: bytes) -> None:
    """Parts, more than one, other framings, long heads: nothing of them is taken from memory."""
    heads = KnownHeads()
    good = KnownHeads.message(message(b"abc"))
    assert good is not None
    heads.learn(good, parsed(message(b"abc")), keep_alive=True)
    found = KnownHeads.message(data)
    assert found is None or heads.find(found, "") is None


def test_another_credential_is_another_head() -> None:
    """Whatever differs but the length is read by the parser."""
    heads = KnownHeads()
    one, other = KnownHeads.message(message(b"a")), KnownHeads.message(message(b"a", key=b"sk-2"))
    assert one is not None
    assert other is not None
    heads.learn(one, parsed(message(b"a")), keep_alive=True)
    assert heads.find(other, "") is None


def test_what_is_remembered_is_bounded() -> None:
    """The oldest goes first."""
    heads = KnownHeads()
    came = [KnownHeads.message(message(b"a", key=b"sk-%d" % n)) for n in range(300)]
    for one in came:
        assert one is not None
        heads.learn(one, parsed(message(b"a")), keep_alive=True)
    kept = [one is not None and heads.find(one, "") is not None for one in came]
    assert kept == [False] * 44 + [True] * 256


def test_what_is_derived_from_a_head_is_derived_once() -> None:
    """By each who derives; of a head that is not remembered, each time."""
    asked: list[str] = []

    def derive(head: RequestHead) -> str:
        asked.append(head.path)
        return head.path

    heads = KnownHeads()
    came = KnownHeads.message(message(b"a"))
    assert came is not None
    plain = parsed(message(b"a"))
    heads.learn(came, plain, keep_alive=True)
    for _ in range(3):
        known = heads.find(came, "")
        assert known is not None
        assert known.head.once(derive) == plain.once(derive) == "/v1/x"
    assert len(asked) == 1 + 3
