"""Frames: one text around changing payloads, as apps, forms and people in series build them. No rewording.

In: two texts. Out: whether both fill one frame with different things. Long texts count to their cap.
"""

from typing import Final

from rapidfuzz import fuzz

from backtalk.text.function_words import BY_LANGUAGE
from backtalk.text.pair import CHARS, is_near
from backtalk.text.words import clipped, language, normal, words

_TEMPLATE_CHARS: Final = 30
_TEMPLATE_SHARE: Final = 0.3
_FRAME_WORDS: Final = 4
_ORDER_WORDS: Final = 12
_SAME_PAYLOAD: Final = 0.85


def is_template(one: str, other: str) -> bool:
    """Whether two long texts share a frame around different payloads, as an app or a form builds them."""
    a, b = normal(clipped(one)), normal(clipped(other))
    needed = max(_TEMPLATE_CHARS, int(_TEMPLATE_SHARE * min(len(a), len(b))))
    if min(len(a), len(b)) < needed or a == b:
        return False
    return a[:needed] == b[:needed] or a[-needed:] == b[-needed:]


def swaps_a_word(a: str, b: str) -> bool:
    """Whether one frame is asked of another thing: the same words in the same order but for a few that are unlike."""
    one, two = normal(a[:CHARS]), normal(b[:CHARS])
    old, new = words(one), words(two)
    if _has_other_payload(one, two):
        return True
    if len(old) != len(new):
        return False
    other = [(x, y) for x, y in zip(old, new, strict=True) if x != y]
    if not other or len(other) > max(1, len(old) // _FRAME_WORDS):
        return False
    little = BY_LANGUAGE[language([x for x, y in zip(old, new, strict=True) if x == y]) or "en"]
    return not any(x in little or y in little or is_near(x, y) for x, y in other)


def _has_other_payload(a: str, b: str) -> bool:
    """Whether both give the same order up to a colon, and something else after it."""
    (head, mark, load), (other_head, _, other_load) = a.partition(":"), b.partition(":")
    same = bool(mark) and head == other_head and 0 < len(words(head)) <= _ORDER_WORDS
    return same and fuzz.ratio(load, other_load) < 100 * _SAME_PAYLOAD
