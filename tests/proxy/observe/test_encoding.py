"""Content codings are undone in bounded memory."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.observe.encoding import Plain, plain

_TEXT = b'{"model": "m"}' * 20


def _raw_deflate(body: bytes) -> bytes:
    squeezer = zlib.compressobj(wbits=-15)
    return squeezer.compress(body) + squeezer.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("", _TEXT),
        ("identity", _TEXT),
        ("gzip", gzip.compress(_TEXT, mtime=0)),
        ("X-GZIP", gzip.compress(_TEXT[:100], mtime=0) + gzip.compress(_TEXT[100:], mtime=0)),
        ("deflate", zlib.compress(_TEXT)),
        ("deflate", _raw_deflate(_TEXT)),
        ("deflate, gzip", gzip.compress(zlib.compress(_TEXT), mtime=0)),
    ],
)
def test_a_known_coding_is_undone(coding: str, body: bytes) -> None:
    """Gzip with one or several members, deflate with and without its header, and codings on top of each other."""
    assert plain(body, {"content-encoding": coding}) == Plain(_TEXT)


def test_an_unknown_coding_is_named() -> None:
    """What cannot be undone says so, and gives no bytes that could be mistaken for the body."""
    found = plain(b"...", {"content-encoding": "br"})
    assert found == Plain(b"", "content-encoding br is not supported (gzip and deflate are)")


def test_a_body_that_ends_early_gives_what_came() -> None:
    """A stream that was cut still tells what reached the client."""
    found = plain(gzip.compress(_TEXT * 50, mtime=0)[:-12], {"content-encoding": "gzip"})
    assert (_TEXT * 50).startswith(found.body)
    assert found.body
    assert found.problem == "the compressed body ends early"


def test_a_bomb_is_cut_at_the_limit() -> None:
    """A few kilobytes that stand for megabytes give no more than the limit."""
    found = plain(gzip.compress(bytes(1 << 20), mtime=0), {"content-encoding": "gzip"}, limit_bytes=1000)
    assert (len(found.body), found.problem) == (1000, "the compressed body is larger than 1000 bytes")


@given(st.binary(), st.sampled_from(["gzip", "deflate", "zstd", "gzip,gzip", ",", "\u00e9"]))
def test_any_bytes_under_any_coding_raise_nothing(body: bytes, coding: str) -> None:
    """Damage is a sentence, never an exception."""
    plain(body, {"content-encoding": coding})
    plain(gzip.compress(body, mtime=0)[:-3] + b"x", {"content-encoding": coding})


@given(st.lists(st.binary(max_size=40_000), min_size=1, max_size=12))
def test_members_of_any_size_are_joined(texts: list[bytes]) -> None:
    """A body may be many members, each larger or smaller than what is fed at once."""
    body = b"".join(gzip.compress(text, compresslevel=0, mtime=0) for text in texts)
    assert plain(body, {"content-encoding": "gzip"}) == Plain(b"".join(texts))


def test_codings_cannot_be_piled_up() -> None:
    """Each coding may cost as much as the first, and a head has room for thousands."""
    found = plain(gzip.compress(_TEXT), {"content-encoding": "gzip, gzip, gzip, gzip"})
    assert found == Plain(b"", "more than 3 content codings")
