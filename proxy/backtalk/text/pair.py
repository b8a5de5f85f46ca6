"""How alike two user texts are, as features of the pair: some ten microseconds each, no model, any script.

In: two texts, `a` the earlier. Out: `PairFeatures`, the input of the pair model. Long texts count to their cap.
"""

import re
from collections.abc import Collection, Sequence
from itertools import pairwise
from math import log
from typing import Final, NamedTuple

import msgspec
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, Indel

from backtalk.text.words import FUNCTION_WORDS, language, normal, script, words

CHARS: Final = 600
"""Longest part of a text that is compared."""
_NUMBER: Final = re.compile(r"\d+")
_NAME: Final = re.compile(r"(?<=\s)[^\W\d_a-z][\w'\u2019-]*")
_PRONOUNS: Final = frozenset(
    {"he", "she", "it", "they", "them", "him", "his", "her", "hers", "its", "their", "theirs", "that", "this"}
    | {"those", "these", "there", "one", "ones", "another", "other", "others"}
)
_NEAR: Final = 0.7
_SAME_CHARS: Final = 4000
_NEAR_WORDS: Final = 10
_STEM: Final = 4


class PairFeatures(msgspec.Struct, frozen=True):
    """Features of a pair of texts."""

    containment: float
    """Share of the smaller text's distinct words that the other has too."""
    jaccard: float
    """Share of all distinct words that both have."""
    token_set: float
    """rapidfuzz's token_set_ratio, 0..1."""
    ratio: float
    """rapidfuzz's ratio, 0..1: equal characters in order."""
    triples_kept: float
    """Share of the shorter text's character triples that the other has too: how far one stands in the other."""
    length: float
    """The shorter text's length over the longer's."""
    kept: float
    """Share of the earlier text's distinct words that stayed."""
    old: float
    """Share of the later text's distinct words that were there before."""
    kept_nearly: float
    """`kept`, where a word with a typing error or another ending counts as kept."""
    content: float
    """`containment` of content words alone, nearly kept ones included; -1 where a text has none."""
    order: float
    """Share of words that stand in both in the same order."""
    bigrams: float
    """Containment of neighbouring words."""
    trigrams: float
    """Share of all character triples that both have."""
    middle: float
    """Likeness of what is left after the common beginning and end are taken off; 1 where nothing is."""
    middle_old: float
    """Words left of the earlier text then."""
    middle_new: float
    """Words left of the later text then."""
    lost_function: float
    """Share of the lost words that are function words; 1.5 where none was lost."""
    lost_content: float
    """Content words lost."""
    new_content: float
    """Content words that are new."""
    lost_names: float
    """Capitalised words lost, the first of the text not counted."""
    new_names: float
    """Capitalised words that are new."""
    lost_pronouns: float
    """Pronouns of the earlier text that are gone: a person who names what was meant."""
    pronouns: float
    """Pronouns of the later text."""
    numbers_lost: float
    """Numbers that are gone."""
    numbers_new: float
    """Numbers that are new."""
    same_start: float
    """1 where both begin with the same two words."""
    same_end: float
    """1 where both end with the same word."""
    question_old: float
    """1 where the earlier text ends as a question."""
    question_new: float
    """1 where the later text ends as a question."""
    words_old: float
    """Logarithm of the earlier text's count of words and one."""
    words_new: float
    """Logarithm of the later text's count of words and one."""


class _Text(NamedTuple):
    """One of the two texts, read once."""

    plain: str
    words: list[str]
    distinct: set[str]
    content: set[str]
    names: set[str]
    numbers: set[str]
    pairs: set[tuple[str, str]]
    triples: set[str]


def compare(a: str, b: str) -> PairFeatures:
    """Features of the pair."""
    old, new = _read(a[:CHARS]), _read(b[:CHARS])
    x, y, left, right = old.plain, new.plain, old.distinct, new.distinct
    both, fewest = left & right, min(len(old.content), len(new.content))
    lost, added = [w for w in old.words if w not in right], [w for w in new.words if w not in left]
    near, lost_function = _near(lost, added), sum(w in FUNCTION_WORDS for w in lost)
    middle, middle_old, middle_new = _middle(old.words, new.words)
    return PairFeatures(
        containment=len(both) / (min(len(left), len(right)) or 1) if both else float(x == y),
        jaccard=_share(both, left | right),
        token_set=fuzz.token_set_ratio(x, y) / 100,
        ratio=fuzz.ratio(x, y) / 100,
        triples_kept=_share(old.triples & new.triples, min(old.triples, new.triples, key=len)),
        length=min(len(x), len(y)) / (max(len(x), len(y)) or 1),
        kept=_share(both, left),
        old=_share(both, right),
        kept_nearly=min((len(both) + near) / (len(left) or 1), 1.0),
        content=min((len(old.content & new.content) + near) / fewest, 1.0) if fewest else -1.0,
        order=Indel.normalized_similarity(old.words, new.words),
        bigrams=len(old.pairs & new.pairs) / (min(len(old.pairs), len(new.pairs)) or 1),
        trigrams=_share(old.triples & new.triples, old.triples | new.triples),
        middle=middle,
        middle_old=middle_old,
        middle_new=middle_new,
        lost_function=lost_function / len(lost) if lost else 1.5,
        lost_content=len(lost) - lost_function,
        new_content=sum(w not in FUNCTION_WORDS for w in added),
        lost_names=len(old.names - right),
        new_names=len(new.names - left),
        lost_pronouns=sum(w in _PRONOUNS for w in lost),
        pronouns=sum(w in _PRONOUNS for w in new.words),
        numbers_lost=len(old.numbers - new.numbers),
        numbers_new=len(new.numbers - old.numbers),
        same_start=float(old.words[:2] == new.words[:2]),
        same_end=float(old.words[-1:] == new.words[-1:]),
        question_old=float(x.endswith("?")),
        question_new=float(y.endswith("?")),
        words_old=log(len(old.words) + 1),
        words_new=log(len(new.words) + 1),
    )


def is_same(a: str, b: str) -> bool:
    """Whether both say the same but for case, width, white space and the marks at the end; long ends to the letter."""
    if a[_SAME_CHARS:] != b[_SAME_CHARS:]:
        return False
    a, b = a[:_SAME_CHARS], b[:_SAME_CHARS]
    return normal(a).rstrip(" .?!\u3002\u2026") == normal(b).rstrip(" .?!\u3002\u2026")


def _near(lost: Sequence[str], added: Sequence[str]) -> int:
    """Lost words that came back with a typing error or another ending."""
    free = [w for w in added[:_NEAR_WORDS] if len(w) > 2]
    count = 0
    for word in lost[:_NEAR_WORDS]:
        found = next((other for other in free if is_near(word, other)), None) if len(word) > 2 else None
        if found is not None:
            free.remove(found)
            count += 1
    return count


def is_near(word: str, other: str) -> bool:
    """Whether two words are one but for a typing error or another ending."""
    if abs(len(word) - len(other)) > 3:
        return False
    if len(word) > _STEM and word[:_STEM] == other[:_STEM]:
        return True
    return OSA.normalized_similarity(word, other) >= _NEAR


def _read(text: str) -> _Text:
    plain = normal(text)
    found = words(plain)
    return _Text(
        plain,
        found,
        set(found),
        set(found) - FUNCTION_WORDS,
        {name.casefold() for name in _NAME.findall(text)},
        set(_NUMBER.findall(plain)),
        set(pairwise(found)),
        {plain[i : i + 3] for i in range(max(len(plain) - 2, 1))},
    )


def _share(part: Collection[object], whole: Collection[object]) -> float:
    return len(part) / (len(whole) or 1)


def _middle(old: Sequence[str], new: Sequence[str]) -> tuple[float, int, int]:
    start = _common(old, new)
    end = min(_common(old[::-1], new[::-1]), min(len(old), len(new)) - start)
    one, other = old[start : len(old) - end], new[start : len(new) - end]
    if not one and not other:
        return 1.0, 0, 0
    return (fuzz.ratio(" ".join(one), " ".join(other)) / 100 if one and other else 0.0), len(one), len(other)


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    shortest = min(len(a), len(b))
    return next((place for place in range(shortest) if a[place] != b[place]), shortest)


def trusts_words(a: str, b: str) -> bool:
    """Whether shared words are evidence enough: both texts are in one language, and it is English or not told."""
    latin = script(a) == script(b) == "latin"
    return latin and not mixes_languages(a, b) and language(words(normal(a))) in {None, "en"}


def mixes_languages(a: str, b: str) -> bool:
    """Whether shared words are no evidence at all: two scripts, two languages, or two that are not told and unlike."""
    one, other = script(a), script(b)
    if one != other or one != "latin":
        return one != other and "none" not in {one, other}
    old, new = words(normal(a)), words(normal(b))
    if language(old) is None and language(new) is None:
        return 4 * len(set(old) & set(new)) < min(len(set(old)), len(set(new)))
    return language(old) != language(new)
