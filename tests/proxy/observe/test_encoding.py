"""Content codings are undone in bounded memory."""

import gzip
import hashlib
import zlib
from collections.abc import Callable
from typing import cast

import brotli  # pyright: ignore[reportMissingTypeStubs]  # it ships none
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from backtalk.observe.encoding import Plain, plain

_TEXT = b'{"model": "m"}' * 20
_Squeeze = Callable[[bytes], bytes]
_BROTLI = cast("_Squeeze", brotli.compress)  # pyright: ignore[reportUnknownMemberType]  # it has no types


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
        ("br", _BROTLI(_TEXT)),
        ("zstd", zstd.compress(_TEXT)),
        ("zstd", zstd.compress(_TEXT[:100]) + zstd.compress(_TEXT[100:])),
        ("deflate, gzip", gzip.compress(zlib.compress(_TEXT), mtime=0)),
    ],
)
def test_a_known_coding_is_undone(coding: str, body: bytes) -> None:
    """One or several members or frames, deflate with and without its header, and codings on top of each other."""
    assert plain(body, {"content-encoding": coding}) == Plain(_TEXT)


def test_an_unknown_coding_is_named() -> None:
    """What cannot be undone says so, and gives no bytes that could be mistaken for the body."""
    found = plain(b"...", {"content-encoding": "dcz"})
    assert found == Plain(b"", "content-encoding dcz is not supported (gzip, deflate, br and zstd are)")


_SQUEEZED: list[tuple[str, _Squeeze]] = [("gzip", gzip.compress), ("br", _BROTLI), ("zstd", zstd.compress)]


@pytest.mark.parametrize(("coding", "squeeze"), _SQUEEZED)
def test_a_body_that_ends_early_gives_what_came(coding: str, squeeze: _Squeeze) -> None:
    """A stream that was cut still tells what reached the client."""
    text = b"".join(hashlib.sha256(bytes([n])).digest() for n in range(256))
    found = plain(squeeze(text)[:-12], {"content-encoding": coding})
    assert text.startswith(found.body)
    assert found.problem == "the compressed body ends early"


@pytest.mark.parametrize(("coding", "squeeze"), _SQUEEZED)
def test_a_bomb_is_cut_at_the_limit(coding: str, squeeze: _Squeeze) -> None:
    """A few kilobytes that stand for megabytes give no more than the limit."""
    found = plain(squeeze(bytes(1 << 20)), {"content-encoding": coding}, limit_bytes=1000)
    assert (len(found.body), found.problem) == (1000, "the compressed body is larger than 1000 bytes")


@given(st.binary(), st.sampled_from(["gzip", "deflate", "zstd", "br", "gzip,gzip", ",", "\u00e9"]))
def test_any_bytes_under_any_coding_raise_nothing(body: bytes, coding: str) -> None:
    """Damage is a sentence, never an exception."""
    plain(body, {"content-encoding": coding})
    for _, squeeze in _SQUEEZED:
        plain(squeeze(body)[:-3] + b"x", {"content-encoding": coding})


@given(st.lists(st.binary(max_size=40_000), min_size=1, max_size=12))
def test_members_of_any_size_are_joined(texts: list[bytes]) -> None:
    """A body may be many members, each larger or smaller than what is fed at once."""
    body = b"".join(gzip.compress(text, compresslevel=0, mtime=0) for text in texts)
    assert plain(body, {"content-encoding": "gzip"}) == Plain(b"".join(texts))
    assert plain(b"".join(map(zstd.compress, texts)), {"content-encoding": "zstd"}) == Plain(b"".join(texts))


def test_codings_cannot_be_piled_up() -> None:
    """Each coding may cost as much as the first, and a head has room for thousands."""
    found = plain(gzip.compress(_TEXT), {"content-encoding": "gzip, gzip, gzip, gzip"})
    assert found == Plain(b"", "more than 3 content codings")
