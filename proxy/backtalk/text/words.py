"""Words of a text in any script, and which of them carry its meaning.

In: a text. Out: words, case-folded. Scripts that put no space between words give pairs of neighbouring characters.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final, Literal

from backtalk.text.function_words import BY_LANGUAGE

Script = Literal["latin", "cyrillic", "greek", "semitic", "han", "kana", "hangul", "indic", "other", "none"]

_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")
_UNSPACED: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
_SCRIPTS: Final[tuple[tuple[int, int, Script], ...]] = (
    (0x41, 0x250, "latin"),
    (0x370, 0x400, "greek"),
    (0x400, 0x530, "cyrillic"),
    (0x590, 0x780, "semitic"),
    (0x900, 0xE00, "indic"),
    (0x1E00, 0x1F00, "latin"),
    (0x3040, 0x3100, "kana"),
    (0x3400, 0xA000, "han"),
    (0xAC00, 0xD7B0, "hangul"),
)
_BY_SCRIPT: Final[Mapping[Script, str]] = {"han": "zh", "kana": "ja", "hangul": "ko", "greek": "el"}
_SCRIPT_CHARS: Final = 200
_HEAD_CHARS: Final = 1500
_TAIL_CHARS: Final = 500
FUNCTION_WORDS: Final = frozenset[str]().union(*BY_LANGUAGE.values())
"""Words that carry little meaning, of all languages together."""


_LANGUAGES_OF: Final[Mapping[str, tuple[str, ...]]] = {
    word: tuple(name for name, listed in BY_LANGUAGE.items() if word in listed) for word in FUNCTION_WORDS
}


def clipped(text: str) -> str:
    """A text as it is read: of a long one the beginning and the end, where people say what they think."""
    return text if len(text) <= _HEAD_CHARS + _TAIL_CHARS else f"{text[:_HEAD_CHARS]}\n{text[-_TAIL_CHARS:]}"


def normal(text: str) -> str:
    """NFKC, case-folded, white space collapsed and trimmed."""
    whole = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(whole.split()).casefold()


def words(text: str) -> list[str]:
    """The words of a normal text in their order."""
    if text.isascii() or not _UNSPACED.search(text):
        return _WORD.findall(text)
    found: list[str] = []
    for word in _WORD.findall(text):
        if _UNSPACED.search(word):
            found.extend(word[place : place + 2] for place in range(max(len(word) - 1, 1)))
        else:
            found.append(word)
    return found


def is_unspaced(text: str) -> bool:
    """Whether the text has a script without spaces between words."""
    return not text.isascii() and _UNSPACED.search(text) is not None


def script(text: str) -> Script:
    """The script most letters are of; text with kana is Japanese, however many Han characters it has."""
    if text.isascii():
        return "latin" if any(char.isalpha() for char in text[:_SCRIPT_CHARS]) else "none"
    counts: dict[Script, int] = {}
    for char in text[:_SCRIPT_CHARS]:
        if char.isalpha():
            name = _script_of(ord(char))
            counts[name] = counts.get(name, 0) + 1
    if "kana" in counts:
        return "kana"
    return max(counts, key=lambda name: (counts[name], name)) if counts else "none"


def language(found: list[str]) -> str | None:
    """The language whose function words a text in Latin letters has most of; None where none stands out."""
    counts: dict[str, int] = {}
    for word in set(found):
        for name in _LANGUAGES_OF.get(word, ()):
            counts[name] = counts.get(name, 0) + 1
    most = max(counts.values(), default=0)
    leaders = [name for name, count in counts.items() if count == most]
    return leaders[0] if len(leaders) == 1 else None


def language_of(text: str) -> str | None:
    """The language of a text, by its function words or by a script that one language alone has, where told."""
    written = script(text)
    if written in _BY_SCRIPT:
        return _BY_SCRIPT[written]
    return language(words(normal(text)))


def _script_of(code: int) -> Script:
    for first, end, name in _SCRIPTS:
        if first <= code < end:
            return name
    return "other"
