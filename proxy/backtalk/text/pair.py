"""How alike two user texts are, as features of the pair: some ten microseconds each, no model, any script.

In: two texts, `a` the earlier. Out: `PairFeatures`, the input of the pair model. Long texts count to their cap.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from math import log
from typing import Final

import msgspec
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, Indel

from backtalk.text.words import FUNCTION_WORDS, language, normal, script, words

CHARS: Final = 600
"""Longest part of a text that is compared."""
_NUMBER: Final = re.compile(r"\d+")
_NAME: Final = re.compile(r"(?<=\s)[^\W\d_a-z][\w'\u2019-]*")
_PRONOUNS: Final = frozenset(
    [
        "he",
        "she",
        "it",
        "they",
        "them",
        "him",
        "his",
        "her",
        "hers",
        "its",
        "their",
        "theirs",
        "that",
        "this",
        "those",
        "these",
        "there",
        "one",
        "ones",
        "another",
        "other",
        "others",
    ]
)
_NEAR: Final = 0.7
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
    partial: float
    """rapidfuzz's partial_ratio, 0..1: the shorter text's best place in the longer."""
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


def compare(a: str, b: str) -> PairFeatures:
    """Features of the pair."""
    a, b = a[:CHARS], b[:CHARS]
    x, y = normal(a), normal(b)
    old, new = words(x), words(y)
    left, right = set(old), set(new)
    both = left & right
    lost, added = [w for w in old if w not in right], [w for w in new if w not in left]
    near = _near(lost, added)
    content_left, content_right = left - FUNCTION_WORDS, right - FUNCTION_WORDS
    fewest = min(len(content_left), len(content_right))
    lost_function = sum(w in FUNCTION_WORDS for w in lost)
    old_names, new_names = _names(a), _names(b)
    old_numbers, new_numbers = set(_NUMBER.findall(x)), set(_NUMBER.findall(y))
    middle, middle_old, middle_new = _middle(old, new)
    pairs_left, pairs_right = set(pairwise(old)), set(pairwise(new))
    return PairFeatures(
        containment=len(both) / (min(len(left), len(right)) or 1) if both else float(x == y),
        jaccard=len(both) / (len(left | right) or 1),
        token_set=fuzz.token_set_ratio(x, y) / 100,
        ratio=fuzz.ratio(x, y) / 100,
        partial=fuzz.partial_ratio(x, y) / 100,
        length=min(len(x), len(y)) / (max(len(x), len(y)) or 1),
        kept=len(both) / (len(left) or 1),
        old=len(both) / (len(right) or 1),
        kept_nearly=min((len(both) + near) / (len(left) or 1), 1.0),
        content=min((len(content_left & content_right) + near) / fewest, 1.0) if fewest else -1.0,
        order=Indel.normalized_similarity(old, new),
        bigrams=len(pairs_left & pairs_right) / (min(len(pairs_left), len(pairs_right)) or 1),
        trigrams=_trigrams(x, y),
        middle=middle,
        middle_old=middle_old,
        middle_new=middle_new,
        lost_function=lost_function / len(lost) if lost else 1.5,
        lost_content=len(lost) - lost_function,
        new_content=len(added) - sum(w in FUNCTION_WORDS for w in added),
        lost_names=len(old_names - right),
        new_names=len(new_names - left),
        lost_pronouns=sum(w in _PRONOUNS for w in lost),
        pronouns=sum(w in _PRONOUNS for w in new),
        numbers_lost=len(old_numbers - new_numbers),
        numbers_new=len(new_numbers - old_numbers),
        same_start=float(old[:2] == new[:2]),
        same_end=float(old[-1:] == new[-1:]),
        question_old=float(x.endswith("?")),
        question_new=float(y.endswith("?")),
        words_old=log(len(old) + 1),
        words_new=log(len(new) + 1),
    )


def is_same(a: str, b: str) -> bool:
    """Whether both say the same but for case, width, white space and the marks at the end."""
    return normal(a).rstrip(" .?!\u3002\u2026") == normal(b).rstrip(" .?!\u3002\u2026")


def _near(lost: Sequence[str], added: Sequence[str]) -> int:
    """Lost words that came back with a typing error or another ending."""
    free = [w for w in added[:_NEAR_WORDS] if len(w) > 2]
    count = 0
    for word in lost[:_NEAR_WORDS]:
        found = next((other for other in free if _is_near(word, other)), None) if len(word) > 2 else None
        if found is not None:
            free.remove(found)
            count += 1
    return count


def _is_near(word: str, other: str) -> bool:
    if abs(len(word) - len(other)) > 3:
        return False
    if len(word) > _STEM and word[:_STEM] == other[:_STEM]:
        return True
    return OSA.normalized_similarity(word, other) >= _NEAR


def _names(text: str) -> set[str]:
    return {name.casefold() for name in _NAME.findall(text)}


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


def _trigrams(x: str, y: str) -> float:
    left = {x[i : i + 3] for i in range(max(len(x) - 2, 1))}
    right = {y[i : i + 3] for i in range(max(len(y) - 2, 1))}
    return len(left & right) / (len(left | right) or 1)


def trusts_words(a: str, b: str) -> bool:
    """Whether shared words are evidence enough: both texts are in one language, and it is English or not told."""
    if script(a) != "latin" or script(b) != "latin":
        return False
    one, other = _language(a), _language(b)
    return one == other and one in {None, "en"}


def mixes_languages(a: str, b: str) -> bool:
    """Whether shared words are no evidence at all: two scripts, or two languages of one."""
    one, other = script(a), script(b)
    if "none" in {one, other}:
        return False
    return one != other or (one == "latin" and _language(a) != _language(b))


def _language(text: str) -> str | None:
    return language(words(normal(text[:CHARS])))
