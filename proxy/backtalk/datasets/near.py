"""Texts that are nearly the same, found without comparing all with all: pure.

In: a text. Out: a signature of 64 numbers (one-permutation MinHash over shingles of eight bytes, in long texts those
that a word begins) and 16 bands of it; two texts whose shingles agree in nine tenths share a band almost surely. How
alike two texts are is the share of equal numbers in their signatures.
"""

import zlib
from array import array
from collections.abc import Sequence
from itertools import accumulate
from operator import eq
from typing import Final

from backtalk.text.words import normal

BUCKETS: Final = 64
BANDS: Final = 16
_BAND_BYTES: Final = 8 * BUCKETS // BANDS
_ROUNDING: Final = 1e-9
_EMPTY: Final = -1
_SHINGLE_BYTES: Final = 8
_LONG_BYTES: Final = 512
"""A shorter text has too few words for its signature to be exact."""
_MOST_WORD_BYTES: Final = 24
"""Where words are longer in the mean, they are no words."""
_TEXT_CHARS: Final = 20_000


def signature(text: str) -> tuple[int, ...]:
    """The least hash of the shingles that fall in each bucket; an empty bucket takes the next full one's."""
    plain = " ".join(normal(text[:_TEXT_CHARS]).split()).encode()
    least = [_EMPTY] * BUCKETS
    for at in _starts(plain):
        hashed = zlib.crc32(plain[at : at + _SHINGLE_BYTES])
        bucket, rest = hashed % BUCKETS, hashed // BUCKETS
        if least[bucket] == _EMPTY or rest < least[bucket]:
            least[bucket] = rest
    return tuple(_full(least, bucket) for bucket in range(BUCKETS))


def _starts(plain: bytes) -> Sequence[int]:
    """Where shingles begin: with each word of a long text; everywhere in a short one, or in a script without spaces."""
    lengths = [len(word) + 1 for word in plain.split(b" ")]
    if len(plain) < _LONG_BYTES or len(lengths) * _MOST_WORD_BYTES < len(plain):
        return range(max(1, len(plain) - _SHINGLE_BYTES + 1))
    return (0, *accumulate(lengths[:-1]))


def bands(signed: Sequence[int]) -> tuple[int, ...]:
    """Numbers of which near texts share at least one."""
    whole = array("q", signed).tobytes()
    return tuple(zlib.crc32(whole[at : at + _BAND_BYTES], at) for at in range(0, len(whole), _BAND_BYTES))


def likeness(first: Sequence[int], second: Sequence[int]) -> float:
    """About the share of shingles that two texts have in common, in 0..1."""
    return float(sum(map(eq, first, second)) / BUCKETS)


def least_shared(limit: float) -> int:
    """How many bands two texts share at least that are so much alike: a number that differs spoils one band."""
    return max(1, BANDS - int((1 - limit) * BUCKETS + _ROUNDING))


def _full(least: Sequence[int], bucket: int) -> int:
    for step in range(BUCKETS):
        found = least[(bucket + step) % BUCKETS]
        if found != _EMPTY:
            return found + step
    return _EMPTY
