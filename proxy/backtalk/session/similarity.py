"""How alike two user texts are, as features of the pair: microseconds each, no model, any script.

In: two texts, `a` the earlier. Out: `PairFeatures`. Words of scripts without spaces are taken as pairs of characters.
"""

import re
from itertools import chain
from math import exp
from typing import Final

import msgspec
from msgspec.structs import astuple
from rapidfuzz import fuzz

from backtalk.session.canonical import clean
from backtalk.session.similarity_weights import WEIGHTS

_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_UNSPACED: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
_NUMBER: Final = re.compile(r"\d+")


class PairFeatures(msgspec.Struct, frozen=True):
    """Features of a pair of texts, each in 0..1."""

    containment: float
    """Share of the smaller text's distinct words that the other has too."""
    jaccard: float
    """Share of all distinct words that both have."""
    token_set: float
    """rapidfuzz's token_set_ratio."""
    ratio: float
    """rapidfuzz's ratio: equal characters in order."""
    partial: float
    """rapidfuzz's partial_ratio: the shorter text's best place in the longer."""
    length: float
    """The shorter text's length over the longer's."""
    prefix: float
    """Common beginning over the shorter text's length."""
    suffix: float
    """Common end over the shorter text's length."""
    kept: float
    """Share of the earlier text's distinct words that stayed."""
    numbers: float
    """1 where both name the same numbers, else 0."""
    brevity: float
    """1 over the shorter text's count of distinct words."""


def compare(a: str, b: str) -> PairFeatures:
    """Features of the pair."""
    a, b = clean(a).casefold(), clean(b).casefold()
    left, right = words(a), words(b)
    both, smaller, longer = len(left & right), min(len(left), len(right)), max(len(a), len(b), 1)
    shorter = max(min(len(a), len(b)), 1)
    return PairFeatures(
        containment=both / smaller if smaller else float(a == b),
        jaccard=both / (len(left | right) or 1),
        token_set=fuzz.token_set_ratio(a, b) / 100,
        ratio=fuzz.ratio(a, b) / 100,
        partial=fuzz.partial_ratio(a, b) / 100,
        length=shorter / longer,
        prefix=_common(a, b) / shorter,
        suffix=_common(a[::-1], b[::-1]) / shorter,
        kept=both / (len(left) or 1),
        numbers=float(set(_NUMBER.findall(a)) == set(_NUMBER.findall(b))),
        brevity=1 / (smaller or 1),
    )


def reformulation(a: str, b: str) -> float:
    """How likely `b` says again, in other words, what `a` said: calibrated on pairs, blind to the situation."""
    if words(clean(a).casefold()) == words(clean(b).casefold()) == frozenset():
        return 0.0
    features = astuple(compare(a, b))
    terms = chain(features, (features[i] * x for i in range(len(features)) for x in features[i:]))
    score = WEIGHTS[0] + sum(weight * term for weight, term in zip(WEIGHTS[1:], terms, strict=True))
    return 1 / (1 + exp(-max(-30.0, min(30.0, score))))


def words(text: str) -> frozenset[str]:
    """Distinct words of a case-folded text; of unspaced scripts, pairs of neighbouring characters."""
    found: set[str] = set()
    for word in _WORD.findall(text):
        if _UNSPACED.search(word):
            found.update(word[i : i + 2] for i in range(max(len(word) - 1, 1)))
        else:
            found.add(word)
    return frozenset(found)


def _common(a: str, b: str) -> int:
    shortest = min(len(a), len(b))
    return next((place for place in range(shortest) if a[place] != b[place]), shortest)
